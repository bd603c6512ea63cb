import { memo, type ReactElement } from "react";
import type { ToolCall } from "../chat/state.js";
import { readable } from "./pieces.js";
import type { Words } from "./words.js";

/** A tool call, folded: its name, its state, how long it took; inside, what went in and what came out. */
export const ToolCallView = memo(function ToolCallView({
  call,
  words,
}: {
  readonly call: ToolCall;
  readonly words: Words;
}): ReactElement {
  const state = {
    writing: words.toolWriting,
    running: words.toolRunning,
    succeeded: words.toolSucceeded,
    failed: words.toolFailed,
    stopped: words.toolStopped,
  }[call.status];
  const { tool_name: _, ...result } = call.result ?? {};
  return (
    <details className={`xswarm-tool xswarm-tool-${call.status}`}>
      <summary>
        <code>{call.name}</code> <span>{state}</span> <span>{duration(call, words)}</span>
      </summary>
      {call.input !== null && (
        <>
          <p className="xswarm-label">{words.input}</p>
          <pre>{readable(call.input)}</pre>
        </>
      )}
      {call.result !== null && (
        <>
          <p className="xswarm-label">{words.result}</p>
          <pre>{readable(result)}</pre>
        </>
      )}
    </details>
  );
});

function duration(call: ToolCall, words: Words): string {
  if (call.startedAt === null || call.endedAt === null) return "";
  const seconds = (Date.parse(call.endedAt) - Date.parse(call.startedAt)) / 1_000;
  return `${seconds.toFixed(1)} ${words.seconds}`;
}
