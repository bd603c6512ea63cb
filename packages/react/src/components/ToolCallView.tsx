import { memo, type ReactElement, type ReactNode, useState } from "react";
import type { ToolCall } from "../chat/state.js";
import { readable } from "./pieces.js";
import type { Words } from "./words.js";

/** A tool call, folded: its name, its state, how long it took; inside, what went in and what came out. */
export const ToolCallView = memo(function ToolCallView({
  call,
  words,
  renderInput,
}: {
  readonly call: ToolCall;
  readonly words: Words;
  /** Shows what it was called with. */
  readonly renderInput?: ((call: ToolCall) => ReactNode) | undefined;
}): ReactElement {
  const [isOpen, setOpen] = useState(false);
  const state = {
    writing: words.toolWriting,
    running: words.toolRunning,
    succeeded: words.toolSucceeded,
    failed: words.toolFailed,
    stopped: words.toolStopped,
  }[call.status];
  const told = brief(call);
  const { tool_name: _, ...result } = call.result ?? {};
  return (
    <details
      className={`xswarm-tool xswarm-tool-${call.status}`}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>
        <code>{call.name}</code> {told !== "" && <span className="xswarm-brief">{told} </span>}
        <span>{state}</span> <span>{duration(call, words)}</span>
      </summary>
      {call.input !== null && (
        <>
          <p className="xswarm-label">{words.input}</p>
          {renderInput !== undefined && isOpen ? renderInput(call) : <pre>{readable(call.input)}</pre>}
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

/** The fields of an input that tell most of a call, the best first. */
const TELLING = ["file_path", "path", "command", "pattern", "query", "url", "description"];

function brief(call: ToolCall): string {
  const input = call.input ?? {};
  const told = TELLING.map((name) => input[name]).find((value) => typeof value === "string");
  return typeof told === "string" ? (told.split("\n", 1)[0] ?? "").slice(0, 80) : "";
}

function duration(call: ToolCall, words: Words): string {
  if (call.startedAt === null || call.endedAt === null) return "";
  const seconds = (Date.parse(call.endedAt) - Date.parse(call.startedAt)) / 1_000;
  return `${seconds.toFixed(1)} ${words.seconds}`;
}
