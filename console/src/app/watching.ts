/** Who has a session of Claude Code on their page, and how its answer grows; as the daemon says. */

import { useEffect, useState } from "react";
import { type LiveFrame, onFrame, say, useIsLive } from "./live.js";

export interface Present {
  readonly id: string;
  readonly state: "viewing" | "writing";
}

/** The answer that runs. */
export interface Answering {
  /** The id of the message that it answers. */
  readonly message: string;
  readonly text: string;
  /** The tool that runs; empty = none. */
  readonly tool: string;
}

export interface Watched {
  /** Everybody who is there, this person too; empty = it is not known. */
  readonly users: readonly Present[];
  readonly answering: Answering | null;
}

export const NOTHING: Watched = { users: [], answering: null };

/** Least time between two notes that somebody writes, in milliseconds; the daemon forgets them after 5 s. */
const TYPING_MS = 2_000;

/** Watches a session as long as the page shows it, over lost connections too. */
export function useWatched(session: string): Watched {
  const isLive = useIsLive();
  const [watched, setWatched] = useState(NOTHING);
  useEffect(() => {
    if (!isLive) return;
    const stop = onFrame((frame) => setWatched((before) => taken(before, frame, session)));
    say({ type: "watch", session_id: session });
    return () => {
      stop();
      say({ type: "watch", session_id: null });
      setWatched(NOTHING);
    };
  }, [session, isLive]);
  return watched;
}

let typedMs = 0;

/** Tells the others that this person writes. */
export function typing(): void {
  const now = Date.now();
  if (now - typedMs < TYPING_MS) return;
  typedMs = now;
  say({ type: "typing" });
}

/** Tells the others that they have sent what they wrote. */
export function wrote(): void {
  typedMs = 0;
  say({ type: "wrote" });
}

/** What is known of a session after a frame. */
export function taken(before: Watched, frame: LiveFrame, session: string): Watched {
  if (frame.session_id !== session) return before;
  if (frame.type === "presence") return { ...before, users: frame.users as readonly Present[] };
  if (frame.type !== "answering") return before;
  const message = String(frame.message_id);
  const known = before.answering?.message === message ? before.answering : { message, text: "", tool: "" };
  const tool = typeof frame.tool === "string" ? frame.tool : known.tool;
  return { ...before, answering: { message, text: known.text + String(frame.text ?? ""), tool } };
}
