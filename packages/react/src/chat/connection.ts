/** What a connection's beginning and end mean for the state. */

import { flush } from "./commands.js";
import type { ClientFrame, FrameOf } from "./frames.js";
import { type ChatState, newState } from "./state.js";
import { only, type Step } from "./step.js";

/** The most messages that `resume` may name. */
const MOST_OPEN = 100;

/** The state without a connection: what was handed to it and not seen again is uncertain. */
export function disconnected(state: ChatState): ChatState {
  return {
    ...state,
    presence: [],
    replay: null,
    earlier: state.earlier === "asked" ? "some" : state.earlier,
    confirmations: state.confirmations.map((one) => ({ ...one, answering: null })),
    messages: state.messages.map((message) =>
      message.status === "sent" && message.by === null && message.serverId === null
        ? { ...message, status: "uncertain" }
        : message,
    ),
  };
}

/** Takes a `connected`: asks for what was missed, then sends what waits. */
export function connected(state: ChatState, frame: FrameOf<"connected">): Step {
  const mine = frame.sessionId === state.sessionId ? state : withoutItsSession(state, frame.sessionId);
  const isKnown = frame.historyCount > 0 || mine.messages.some((message) => message.serverId !== null);
  const send: ClientFrame[] = [];
  // A message that is uncertain is sent again only where the history does not have it.
  let wantsHistory = mine.messages.some((message) => message.status === "uncertain");
  let next: ChatState = { ...mine, connection: "open", title: frame.title ?? mine.title, replay: null };
  if (frame.seq === null) {
    wantsHistory ||= isKnown; // a server that cannot replay
    next = { ...next, lastSeq: null };
  } else if (mine.lastSeq !== null || isKnown) {
    // Number 0 is never kept: it is answered by the history and the running answer from its beginning.
    const lastSeq = mine.lastSeq !== null && mine.lastSeq <= frame.seq ? mine.lastSeq : null;
    const open = withoutEnd(mine);
    send.push({ type: "resume", after_seq: lastSeq ?? 0, ...(open.length > 0 && { open }) });
    next = { ...next, lastSeq, replay: { until: frame.seq, held: [] } };
  } else {
    next = { ...next, lastSeq: frame.seq };
  }
  if (wantsHistory) send.push({ type: "get_history" });
  if (next.stopping) send.push({ type: "interrupt" });
  const flushed = wantsHistory ? only(next) : flush(next);
  return { state: flushed.state, send: [...send, ...flushed.send] };
}

/** The server's ids of the messages whose ends were not seen: after a kill, the server cannot tell whether they went out. */
function withoutEnd(state: ChatState): string[] {
  return state.messages
    .filter((message) => message.status === "queued" || message.status === "answering")
    .flatMap((message) => message.serverId ?? [])
    .slice(-MOST_OPEN);
}

/** The state where the server gave another session than the one that was asked for: that one is not this user's. */
function withoutItsSession(state: ChatState, sessionId: string): ChatState {
  const messages = state.messages.filter((message) => message.status === "waiting" || message.status === "unsent");
  return { ...newState(sessionId), messages, counter: state.counter };
}
