/** The running answer: its beginning, what is added to it, and its end. */

import type { FrameOf, JsonObject, Usage } from "./frames.js";
import { isFailure, newAnswer, readArtifact } from "./records.js";
import { type ChatMessage, type ChatState, isUnanswered, runningAnswer, type ToolCall } from "./state.js";

/** How an answer ends. */
export interface End {
  readonly status: "done" | "interrupted" | "failed";
  readonly messageIds: readonly string[];
  readonly error: string | null;
  readonly usage: Usage | null;
  readonly costUsd: number | null;
}

/** The state with a running answer: the one that runs, or a new one to the oldest message without an answer. */
export function withAnswer(state: ChatState, now: string): ChatState {
  if (runningAnswer(state) !== null) return state;
  const index = nextToAnswer(state.messages);
  const asked = state.messages[index];
  const answer = newAnswer(`answer:${state.counter}`, now, asked === undefined);
  const messages = [...state.messages];
  if (asked === undefined) messages.push(answer);
  else messages.splice(index, 1, { ...asked, status: "answering", queue: null }, answer);
  const edited = state.edited === asked?.id ? null : state.edited;
  return { ...state, messages, edited, counter: state.counter + 1 };
}

/** Whether a token without a number can belong to something: an older server sends late ones after an interrupt. */
export function isExpected(state: ChatState): boolean {
  return runningAnswer(state) !== null || nextToAnswer(state.messages) >= 0;
}

export function appendText(state: ChatState, text: string): ChatState {
  return changeAnswer(state, (answer) => ({ ...answer, content: answer.content + text }));
}

export function startToolCall(state: ChatState, id: string, name: string, now: string): ChatState {
  return changeAnswer(state, (answer) =>
    answer.toolCalls.some((call) => call.id === id)
      ? answer
      : { ...answer, toolCalls: [...answer.toolCalls, newToolCall(id, name, answer.content.length, now)] },
  );
}

export function runToolCall(state: ChatState, frame: FrameOf<"tool_call">, now: string): ChatState {
  const started = startToolCall(state, frame.id, frame.name, now);
  return changeToolCall(started, frame.id, (call) =>
    call.status === "writing" || call.status === "running"
      ? { ...call, name: frame.name || call.name, input: frame.input, status: "running" }
      : call,
  );
}

export function finishToolCall(state: ChatState, id: string, result: JsonObject, now: string): ChatState {
  const name = typeof result.tool_name === "string" ? result.tool_name : "";
  return changeToolCall(startToolCall(state, id, name, now), id, (call) => ({
    ...call,
    result,
    status: isFailure(result) ? "failed" : "succeeded",
    endedAt: now,
  }));
}

/** Adds an artifact to the running answer, else to the newest one; one of the same id is replaced where it stands. */
export function addArtifact(state: ChatState, record: JsonObject): ChatState {
  const artifact = readArtifact(record);
  if (artifact === null) return state;
  const holder =
    state.messages.find((message) => message.artifacts.some((one) => one.id === artifact.id)) ??
    runningAnswer(state) ??
    state.messages.findLast((message) => message.role === "assistant");
  if (holder === undefined) return state;
  const others = holder.artifacts.filter((one) => one.id !== artifact.id);
  return changeMessage(state, holder.id, { ...holder, artifacts: [...others, artifact] });
}

/**
 * Ends the running answer and the messages that it answers.
 *
 * Ids of the server are given to messages that have none in the order they were sent: a session answers in that order.
 */
export function endAnswer(state: ChatState, end: End, now: string): ChatState {
  const answered = answeredBy(state, end.messageIds);
  if (runningAnswer(state) === null && answered.size === 0) return state;
  const opened = withAnswer(state, now);
  const messages = opened.messages.map((message) => {
    if (message.status === "streaming") return ended(message, end, now);
    if (!answered.has(message.id) && message.status !== "answering") return message;
    return { ...message, status: "done" as const, serverId: answered.get(message.id) ?? message.serverId, queue: null };
  });
  return { ...opened, messages, confirmations: [], stopping: false, edited: null };
}

/** Replaces one message. */
export function changeMessage(state: ChatState, id: string, changed: ChatMessage): ChatState {
  return { ...state, messages: state.messages.map((message) => (message.id === id ? changed : message)) };
}

function nextToAnswer(messages: readonly ChatMessage[]): number {
  const answering = messages.findIndex((message) => message.status === "answering");
  return answering >= 0
    ? answering
    : messages.findIndex((message) => isUnanswered(message) && message.status !== "waiting");
}

/** Maps the ids of messages that an end answers to their ids of the server. */
function answeredBy(state: ChatState, serverIds: readonly string[]): Map<string, string | null> {
  const open = state.messages.filter((message) => isUnanswered(message) && message.status !== "waiting");
  const answered = new Map<string, string | null>();
  const unknown = serverIds.filter((id) => {
    const known = open.find((message) => message.serverId === id);
    if (known !== undefined) answered.set(known.id, id);
    return known === undefined && !state.messages.some((message) => message.serverId === id);
  });
  for (const message of open) {
    const id = message.serverId === null ? unknown.shift() : undefined;
    if (id !== undefined) answered.set(message.id, id);
  }
  const oldest = open[0];
  if (serverIds.length === 0 && oldest !== undefined) answered.set(oldest.id, oldest.serverId);
  return answered;
}

function ended(answer: ChatMessage, end: End, now: string): ChatMessage {
  const toolCalls = answer.toolCalls.map((call) =>
    call.result === null ? { ...call, status: "stopped" as const, endedAt: now } : call,
  );
  return { ...answer, toolCalls, status: end.status, error: end.error, usage: end.usage, costUsd: end.costUsd };
}

function newToolCall(id: string, name: string, offset: number, now: string): ToolCall {
  return { id, name, input: null, result: null, status: "writing", offset, startedAt: now, endedAt: null };
}

function changeAnswer(state: ChatState, change: (answer: ChatMessage) => ChatMessage): ChatState {
  const answer = runningAnswer(state);
  return answer === null ? state : changeMessage(state, answer.id, change(answer));
}

function changeToolCall(state: ChatState, id: string, change: (call: ToolCall) => ToolCall): ChatState {
  return changeAnswer(state, (answer) => ({
    ...answer,
    toolCalls: answer.toolCalls.map((call) => (call.id === id ? change(call) : call)),
  }));
}
