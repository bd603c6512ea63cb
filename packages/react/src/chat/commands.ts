/** What a person asks for. */

import type { ClientFrame, Decision } from "./frames.js";
import { userMessage } from "./records.js";
import { type ChatMessage, type ChatState, isStreaming, type MessageStatus } from "./state.js";
import { only, type Step } from "./step.js";

/** Messages that the server does not have, and that the person decides about. */
const LEFT: ReadonlySet<MessageStatus> = new Set<MessageStatus>(["unsent", "refused"]);

/** Adds a message, and sends it if nothing that was written before it still waits for the connection. */
export function submit(state: ChatState, message: ChatMessage): Step {
  if (message.content.trim() === "") return only(state);
  const next = { ...state, failure: null, messages: [...state.messages, message] };
  const isUncertain = state.messages.some((one) => one.status === "uncertain");
  return state.connection === "open" && !isUncertain ? flush(next) : only(next);
}

/** Sends the messages that wait for a connection. */
export function flush(state: ChatState): Step {
  const waiting = state.messages.filter((message) => message.status === "waiting");
  if (waiting.length === 0) return only(state);
  const messages = state.messages.map((message) =>
    message.status === "waiting" ? { ...message, status: "sent" as const } : message,
  );
  return { state: { ...state, messages }, send: waiting.map((message) => asFrame(state, message)) };
}

/** Sends a message again; it moves to the end. */
export function sendAgain(state: ChatState, id: string): Step {
  const message = state.messages.find((one) => one.id === id && LEFT.has(one.status));
  if (message === undefined) return only(state);
  return submit(discard(state, id), { ...message, status: "waiting", error: null });
}

export function discard(state: ChatState, id: string): ChatState {
  return { ...state, messages: state.messages.filter((one) => one.id !== id || !LEFT.has(one.status)) };
}

/** Stops the running answer; without a connection, as soon as there is one, and what waits for one is not sent. */
export function interrupt(state: ChatState): Step {
  if (!isStreaming(state)) return only(state);
  if (state.connection === "open") return { state: { ...state, stopping: true }, send: [{ type: "interrupt" }] };
  const messages = state.messages.map((message) =>
    message.status === "waiting" ? { ...message, status: "unsent" as const } : message,
  );
  return only({ ...state, messages, stopping: isStreaming({ ...state, messages }) });
}

/** Answers a confirmation, once; without a connection nothing happens. */
export function confirm(state: ChatState, id: string, decision: Decision, note: string | null): Step {
  const open = state.confirmations.find((one) => one.id === id);
  if (open === undefined || open.answering !== null || state.connection !== "open") return only(state);
  const confirmations = state.confirmations.map((one) => (one.id === id ? { ...one, answering: decision } : one));
  const frame: ClientFrame = { type: "confirm", id, decision, ...(note ? { note } : {}) };
  return { state: { ...state, confirmations }, send: [frame] };
}

/** Whether messages can be edited now. */
export function mayEditNow(state: ChatState): boolean {
  return state.connection === "open" && !isStreaming(state);
}

/** Whether a message can be edited, where any can. */
export function isEditable(message: ChatMessage): boolean {
  return message.role === "user" && message.serverId !== null;
}

/** Replaces a message and asks again from there: what follows it goes. */
export function edit(state: ChatState, id: string, content: string, now: string): Step {
  const place = state.messages.findIndex((message) => message.id === id);
  const message = state.messages[place];
  if (message === undefined || message.serverId === null || !isEditable(message) || !mayEditNow(state)) {
    return only(state);
  }
  if (content.trim() === "") return only(state);
  const asked = userMessage(message.id, content, now, "sent");
  return {
    state: { ...state, failure: null, edited: id, messages: [...state.messages.slice(0, place), asked] },
    send: [{ type: "edit", message_id: message.serverId, content }],
  };
}

/** Takes a notice off the page; null = the failure. */
export function dismiss(state: ChatState, notice: number | null): ChatState {
  if (notice === null) return { ...state, failure: null };
  return { ...state, notices: state.notices.filter((one) => one.id !== notice) };
}

function asFrame(state: ChatState, message: ChatMessage): ClientFrame {
  return {
    type: "user_message",
    content: message.content,
    session_id: state.sessionId,
    external_id: message.id,
    ...(message.mode === null ? {} : { mode: message.mode }),
    ...(message.attachments?.length ? { attachments: message.attachments } : {}),
  };
}
