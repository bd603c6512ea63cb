/** Takes the frames of the server, one by one. */

import {
  addArtifact,
  appendText,
  changeMessage,
  type End,
  endAnswer,
  finishToolCall,
  isExpected,
  runToolCall,
  startToolCall,
  withAnswer,
} from "./answers.js";
import { flush } from "./commands.js";
import type { ClientFrame, FrameOf, FrameType, ServerFrame } from "./frames.js";
import { insteadOfReplay, isInsteadOfReplay, withEarlier, withHistory } from "./history.js";
import { userMessage } from "./records.js";
import { counted, isRepeated, type Sequenced } from "./sequence.js";
import { type ChatMessage, type ChatState, isUnanswered, runningAnswer } from "./state.js";
import { only, type Step } from "./step.js";

/** How many notices are kept. */
export const NOTICES = 5;

/** What the server answers to an `interrupt` while nothing runs. */
const NOTHING_TO_INTERRUPT = "No active generation";

/** Codes by which an older server refuses a message; its other errors end the running answer. */
const REFUSALS: ReadonlySet<string> = new Set(["invalid_message", "overloaded", "rate_limited", "unsupported"]);

type AnswerFrame =
  | "token"
  | "tool_call_start"
  | "tool_call"
  | "tool_result"
  | "artifact"
  | "complete"
  | "interrupted"
  | "error";
type Fact = Exclude<FrameType, AnswerFrame | "connected" | "history" | "resumed">;

/** Takes the frames that are due. */
export function take({ state: before, due }: Sequenced, now: string): Step {
  let state = before;
  const send: ClientFrame[] = [];
  for (const frame of due) {
    if (isRepeated(state, frame)) continue;
    const taken = takeFrame(state, frame, now);
    state = counted(taken.state, frame);
    send.push(...taken.send);
  }
  return { state, send };
}

function takeFrame(state: ChatState, frame: ServerFrame, now: string): Step {
  switch (frame.type) {
    case "token":
      // An older server, without numbers, sends tokens of an answer that was ended.
      return only(frame.seq === null && !isExpected(state) ? state : appendText(withAnswer(state, now), frame.content));
    case "tool_call_start":
      return only(startToolCall(withAnswer(state, now), frame.id, frame.name, now));
    case "tool_call":
      return only(runToolCall(withAnswer(state, now), frame, now));
    case "tool_result":
      return only(finishToolCall(state, frame.id, frame.result, now));
    case "artifact":
      return only(addArtifact(state, frame.artifact));
    case "complete":
      return end(state, { ...frame, status: "done", error: null }, now);
    case "interrupted":
      if (frame.message === NOTHING_TO_INTERRUPT) return only({ ...state, stopping: false });
      return end(state, { ...frame, status: "interrupted", error: null, usage: null, costUsd: null }, now);
    case "error":
      return takeError(state, frame, now);
    case "resumed":
      return only(state);
    case "history":
      if (frame.before !== null) return only(withEarlier(state, frame));
      return flush(isInsteadOfReplay(state, frame) ? insteadOfReplay(state, frame) : withHistory(state, frame));
    case "connected":
      throw new Error("a `connected` is taken when it comes, never in the sequence");
    default:
      return only(takeFact(state, frame, now));
  }
}

/** Takes a frame that says what is true beside the answer. */
function takeFact(state: ChatState, frame: FrameOf<Fact>, now: string): ChatState {
  switch (frame.type) {
    case "confirm_request": {
      const { id, tool, input, summary, expiresAt } = frame;
      const others = state.confirmations.filter((one) => one.id !== id);
      return { ...state, confirmations: [...others, { id, tool, input, summary, expiresAt, answering: null }] };
    }
    case "confirm_resolved":
      return { ...state, confirmations: state.confirmations.filter((one) => one.id !== frame.id) };
    case "notice": {
      const notice = { id: state.counter, message: frame.message, timestamp: now };
      return { ...state, notices: [...state.notices, notice].slice(-NOTICES), counter: state.counter + 1 };
    }
    case "presence":
      return { ...state, presence: frame.users };
    case "queued":
      return takeQueued(state, frame);
    case "session_updated":
      return { ...state, title: frame.title };
    case "user_message":
      return takeUserMessage(state, frame, now);
  }
}

/** Ends the answer; one whose beginning was missed is read again from the history. */
function end(state: ChatState, how: End, now: string): Step {
  const wasJoinedLate = runningAnswer(state)?.joinedLate === true;
  return { state: endAnswer(state, how, now), send: wasJoinedLate ? [{ type: "get_history" }] : [] };
}

/** Takes an error: it refuses the message that was sent last, or ends the running answer, or does neither. */
function takeError(state: ChatState, frame: FrameOf<"error">, now: string): Step {
  const { message, code, retryAfter } = frame;
  const known: ChatState = { ...state, failure: { message, code, retryAfter } };
  const refused = refusedBy(state, frame);
  if (refused !== null) {
    const changed = changeMessage(known, refused.id, { ...refused, status: "refused", error: message });
    // What the edit took off the page is still in the history.
    return state.edited === refused.id ? { state: changed, send: [{ type: "get_history" }] } : only(changed);
  }
  if (frame.messageIds.length === 0 && frame.seq !== null) return only(known);
  return end(known, { ...frame, status: "failed", error: message, usage: null, costUsd: null }, now);
}

/** The message that an error refuses: it names none, since the server has taken none. */
function refusedBy(state: ChatState, frame: FrameOf<"error">): ChatMessage | null {
  if (frame.messageIds.length > 0) return null;
  // An older server names no message in any error.
  if (frame.seq === null && !REFUSALS.has(frame.code ?? "")) return null;
  return state.messages.findLast((message) => message.status === "sent" && message.by === null) ?? null;
}

function takeQueued(state: ChatState, frame: FrameOf<"queued">): ChatState {
  const { position, reason, messageId } = frame;
  const open = state.messages.filter(isUnanswered);
  const message =
    open.find((one) => messageId !== null && one.serverId === messageId) ??
    // The first one runs, though it may not have said a word yet.
    open.find((one, place) => place > 0 && one.status === "sent" && one.serverId === null && one.by === null) ??
    open.findLast((one) => one.status === "queued" || one.status === "sent");
  if (message === undefined) return state;
  const serverId = messageId ?? message.serverId;
  return changeMessage(state, message.id, { ...message, serverId, status: "queued", queue: { position, reason } });
}

/** Takes a message of this session that came another way; one of this page may come back after a reconnection. */
function takeUserMessage(state: ChatState, frame: FrameOf<"user_message">, now: string): ChatState {
  if (state.messages.some((message) => message.serverId === frame.id)) return state;
  const own = state.messages.find(
    (message) =>
      message.serverId === null &&
      isUnanswered(message) &&
      (message.id === frame.externalId ||
        (frame.externalId === null && message.status === "uncertain" && message.content === frame.content)),
  );
  if (own !== undefined) {
    const status = own.status === "uncertain" || own.status === "waiting" ? "sent" : own.status;
    return changeMessage(state, own.id, { ...own, serverId: frame.id, status });
  }
  const message = userMessage(`user:${frame.id}`, frame.content, now, "sent");
  return { ...state, messages: [...state.messages, { ...message, serverId: frame.id, by: frame.by }] };
}
