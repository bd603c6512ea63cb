import { type ReactElement, useId, useState } from "react";
import type { SendMode } from "../chat/frames.js";
import { type Attached, type Attaching, useAttachments } from "../hooks/useAttachments.js";
import { AttachedFiles } from "./AttachedFiles.js";
import { isSendKey } from "./composing.js";
import type { Words } from "./words.js";

export interface ComposerProps {
  readonly draft: string;
  readonly onDraft: (text: string) => void;
  readonly onSend: (text: string, mode: SendMode | null, files: readonly Attached[]) => void;
  /** undefined = messages carry no files. */
  readonly attaching?: Attaching | undefined;
  readonly onStop: () => void;
  readonly isStreaming: boolean;
  readonly isStopping: boolean;
  readonly words: Words;
}

const MODES: readonly SendMode[] = ["queue", "steer", "interrupt"];

/** Where a message is written, sent, and an answer is stopped. */
export function Composer(props: ComposerProps): ReactElement {
  const { draft, isStreaming, isStopping, words } = props;
  const [mode, setMode] = useState<SendMode>("queue");
  const attachments = useAttachments(props.attaching);
  const isReady = draft.trim() !== "" && attachments.coming === 0;
  const field = useId();
  return (
    <form
      className="xswarm-composer"
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) props.onSend(draft, isStreaming ? mode : null, attachments.take());
      }}
    >
      <label htmlFor={field} className="xswarm-hidden">
        {words.message}
      </label>
      <textarea
        id={field}
        aria-keyshortcuts="m"
        value={draft}
        placeholder={words.placeholder}
        onChange={(event) => props.onDraft(event.target.value)}
        onPaste={(event) => {
          if (props.attaching === undefined || event.clipboardData.files.length === 0) return;
          event.preventDefault();
          attachments.add([...event.clipboardData.files]);
        }}
        onKeyDown={(event) => {
          if (!isSendKey(event)) return;
          event.preventDefault();
          event.currentTarget.form?.requestSubmit();
        }}
      />
      {isStreaming && (
        <select
          aria-label={words.mode}
          value={mode}
          onChange={(event) => setMode(MODES.find((one) => one === event.target.value) ?? "queue")}
        >
          {MODES.map((one) => (
            <option key={one} value={one}>
              {words[one]}
            </option>
          ))}
        </select>
      )}
      <button type="submit" disabled={!isReady}>
        {words.send}
      </button>
      {props.attaching !== undefined && <AttachedFiles attachments={attachments} words={words} />}
      {isStreaming && (
        <button type="button" className="xswarm-stop" disabled={isStopping} onClick={props.onStop}>
          {isStopping ? words.stopping : words.stop}
        </button>
      )}
    </form>
  );
}
