/** A history takes the place of what is shown; what it cannot hold stays: unsent messages and the running answer. */

import type { FrameOf, HistoryEntry } from "./frames.js";
import { recordedMessage } from "./records.js";
import { type ChatMessage, type ChatState, isUnanswered, runningAnswer } from "./state.js";
import { only, type Step } from "./step.js";

/**
 * The state after a `history`.
 *
 * A message that was handed to a lost connection is found in it, or is to be sent again: the server takes the same
 * message only once.
 */
export function withHistory(state: ChatState, frame: FrameOf<"history">): ChatState {
  const messages = frame.entries.map(recordedMessage);
  const kept = state.messages.filter((message) => isUnanswered(message) || message.status === "unsent");
  const places = findIn(messages, kept, state.messages);
  const left: ChatMessage[] = [];
  for (const message of kept) {
    const place = places.get(message.id);
    const recorded = place === undefined ? undefined : messages[place];
    if (place === undefined || recorded === undefined) left.push(again(message));
    else messages[place] = { ...recorded, id: message.id, by: message.by, queue: message.queue };
  }
  const answer = runningAnswer(state);
  if (answer !== null) placeAnswer(messages, answer);
  const before = frame.earlier ? beforeIn(state.messages, frame.entries) : [];
  const earlier = frame.earlier ? (before.length > 0 ? state.earlier : "some") : "none";
  return { ...state, messages: [...before, ...keepShown(messages, state.messages), ...left], earlier, edited: null };
}

/** How many messages of the person a page of earlier ones holds. */
const PAGE = 40;

/** Asks for the messages before the first one; without a connection, or while they are awaited, nothing happens. */
export function askEarlier(state: ChatState): Step {
  const first = state.messages.find((message) => message.serverId !== null);
  if (state.earlier !== "some" || state.connection !== "open" || first?.serverId == null) return only(state);
  const asked = { type: "get_history", before: first.serverId, limit: PAGE } as const;
  return { state: { ...state, earlier: "asked" }, send: [asked] };
}

/** The state after a page of earlier messages; a page that was not asked for by what is first now changes nothing. */
export function withEarlier(state: ChatState, frame: FrameOf<"history">): ChatState {
  const first = state.messages.find((message) => message.serverId !== null);
  if (first?.serverId !== frame.before)
    return { ...state, earlier: state.earlier === "asked" ? "some" : state.earlier };
  const earlier = frame.earlier && frame.entries.length > 0 ? "some" : "none";
  return { ...state, messages: [...frame.entries.map(recordedMessage), ...state.messages], earlier };
}

/**
 * The messages that are shown before those of a history.
 *
 * An edit takes away all that follows it, so what was before the first one is still true.
 */
function beforeIn(shown: readonly ChatMessage[], entries: readonly HistoryEntry[]): readonly ChatMessage[] {
  const place = shown.findIndex((message) => message.serverId !== null && message.serverId === entries[0]?.id);
  return place > 0 ? shown.slice(0, place) : [];
}

/** Whether a `history` answers `resume`: it has the number from which on the running answer follows. */
export function isInsteadOfReplay(state: ChatState, frame: FrameOf<"history">): boolean {
  return state.replay !== null && frame.before === null && frame.seq !== null && frame.seq <= state.replay.until;
}

/**
 * The state after a `history` that comes where what was missed cannot be replayed.
 *
 * The running answer follows it from its beginning, numbered from the history on.
 */
export function insteadOfReplay(state: ChatState, frame: FrameOf<"history">): ChatState {
  const messages = state.messages.filter((message) => message.status !== "streaming");
  return withHistory({ ...state, messages }, frame);
}

/** Keeps of messages that are shown already what a history does not tell, and their ids: the page need not build them anew. */
function keepShown(messages: readonly ChatMessage[], shown: readonly ChatMessage[]): ChatMessage[] {
  const known = new Map<string, { question: ChatMessage; answer: ChatMessage | undefined }>();
  for (const [place, question] of shown.entries()) {
    const next = shown[place + 1];
    const answer = next?.role === "assistant" ? next : undefined;
    if (question.role === "user" && question.serverId !== null) known.set(question.serverId, { question, answer });
  }
  return messages.map((message, place) => {
    if (message.role === "user") {
      const before = known.get(message.serverId ?? "")?.question;
      return before === undefined ? message : { ...message, id: before.id, by: before.by };
    }
    const before = known.get(messages[place - 1]?.serverId ?? "")?.answer;
    return before === undefined || message.status === "streaming" ? message : merged(message, before);
  });
}

function merged(recorded: ChatMessage, before: ChatMessage): ChatMessage {
  const { id, usage } = before;
  const artifacts = recorded.artifacts.length > 0 ? recorded.artifacts : before.artifacts;
  // What was seen live has results, times and places in the text.
  const toolCalls = before.toolCalls.length >= recorded.toolCalls.length ? before.toolCalls : recorded.toolCalls;
  return { ...recorded, id, usage, artifacts, toolCalls };
}

/** Maps the ids of messages to their places in the history: by the server's id, else by the text of an unknown one. */
function findIn(
  history: readonly ChatMessage[],
  wanted: readonly ChatMessage[],
  shown: readonly ChatMessage[],
): Map<string, number> {
  const known = new Set(shown.map((message) => message.serverId));
  const places = new Map<string, number>();
  const taken = new Set<number>();
  for (const message of wanted.toReversed()) {
    if (message.status === "waiting" || message.status === "unsent") continue;
    const place = history.findLastIndex(
      (recorded, at) =>
        recorded.role === "user" &&
        !taken.has(at) &&
        (message.serverId === null
          ? recorded.content === message.content && !known.has(recorded.serverId)
          : recorded.serverId === message.serverId),
    );
    if (place < 0) continue;
    taken.add(place);
    places.set(message.id, place);
  }
  return places;
}

function again(message: ChatMessage): ChatMessage {
  return message.status === "uncertain" ? { ...message, status: "waiting" } : message;
}

/** Puts the running answer behind its message, unless the history holds an answer there: then it has ended. */
function placeAnswer(messages: ChatMessage[], answer: ChatMessage): void {
  const answering = messages.findIndex((message) => message.status === "answering");
  const asked = answering >= 0 ? answering : messages.findLastIndex((message) => message.role === "user");
  const recorded = messages[asked + 1];
  if (recorded?.role === "assistant" && recorded.status !== "streaming") return;
  const question = messages[asked];
  if (question !== undefined) messages[asked] = { ...question, status: "answering" };
  messages.splice(asked + 1, recorded === undefined || recorded.role === "user" ? 0 : 1, answer);
}
