/** A history takes the place of what is shown; what it cannot hold stays: unsent messages and the running answer. */

import type { HistoryEntry } from "./frames.js";
import { recordedMessage } from "./records.js";
import { type ChatMessage, type ChatState, isUnanswered, runningAnswer } from "./state.js";

/**
 * The state after a `history`.
 *
 * A message that was handed to a lost connection is found in it, or is to be sent again: the server takes the same
 * message only once.
 */
export function withHistory(state: ChatState, entries: readonly HistoryEntry[]): ChatState {
  const messages = keepIds(entries.map(recordedMessage), state.messages);
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
  return { ...state, messages: [...messages, ...left], edited: null };
}

/** Keeps the ids of messages that are shown already, so that the page does not build them anew. */
function keepIds(messages: ChatMessage[], shown: readonly ChatMessage[]): ChatMessage[] {
  const known = new Map<string, ChatMessage>();
  for (const one of shown) if (one.serverId !== null) known.set(`${one.role}:${one.serverId}`, one);
  return messages.map((message) => {
    const before = known.get(message.id);
    return before === undefined ? message : { ...message, id: before.id, by: before.by };
  });
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
