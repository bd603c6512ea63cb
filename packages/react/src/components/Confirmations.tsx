import { type ReactElement, useEffect, useId, useState } from "react";
import type { Decision } from "../chat/frames.js";
import type { Confirmation } from "../chat/state.js";
import { readable, visible } from "./pieces.js";
import type { Words } from "./words.js";

export interface ConfirmationsProps {
  readonly confirmations: readonly Confirmation[];
  readonly onDecide: (id: string, decision: Decision, note: string | null) => void;
  readonly words: Words;
}

/** Tool calls that wait for a decision: what is asked, the exact call, the time left, yes and no. */
export function Confirmations({ confirmations, onDecide, words }: ConfirmationsProps): ReactElement | null {
  if (confirmations.length === 0) return null;
  return (
    <div className="xswarm-confirmations">
      {confirmations.map((one) => (
        <Question key={one.id} confirmation={one} onDecide={onDecide} words={words} />
      ))}
    </div>
  );
}

function Question({
  confirmation,
  onDecide,
  words,
}: Omit<ConfirmationsProps, "confirmations"> & { readonly confirmation: Confirmation }): ReactElement {
  const { id, tool, input, summary, expiresAt, answering } = confirmation;
  const [note, setNote] = useState("");
  const title = useId();
  const left = useSecondsLeft(expiresAt);
  const decide = (decision: Decision): void => onDecide(id, decision, note.trim() || null);
  const isClosed = answering !== null || left === 0;
  return (
    <section className="xswarm-confirmation" aria-labelledby={title}>
      <p id={title} className="xswarm-title">
        {words.confirmation}: {visible(summary || tool)}
      </p>
      <details open>
        <summary>{words.details}</summary>
        <code>{visible(tool)}</code>
        <pre>{visible(readable(input))}</pre>
      </details>
      {left !== null && <p>{left === 0 ? words.expired : `${words.timeLeft}: ${clock(left)}`}</p>}
      <div className="xswarm-decision">
        <input
          aria-label={words.note}
          placeholder={words.note}
          value={note}
          onChange={(event) => setNote(event.target.value)}
        />
        <button type="button" disabled={isClosed} onClick={() => decide("allow")}>
          {words.allow}
        </button>
        <button type="button" disabled={isClosed} onClick={() => decide("deny")}>
          {words.deny}
        </button>
      </div>
    </section>
  );
}

/** Whole seconds until a time; null = no time is given. */
function useSecondsLeft(until: string | null): number | null {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (until === null) return;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [until]);
  const end = until === null ? Number.NaN : Date.parse(until);
  return Number.isNaN(end) ? null : Math.max(0, Math.ceil((end - now) / 1_000));
}

/** A time that is left, as h:mm:ss or m:ss. */
function clock(seconds: number): string {
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, place) => (place === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
