/** What is known about one chat: the state that `reduce` turns into the next one. */

import type { Decision, JsonObject, PresentUser, SendMode, ServerFrame, Usage } from "./frames.js";

/** How far a message or an answer is. */
export type MessageStatus =
  /** Of a user: not handed to a connection yet; it is sent as soon as there is one. */
  | "waiting"
  /** Of a user: handed to the connection that is open now. */
  | "sent"
  /** Of a user: handed to a connection that was lost before the server showed that it has it. */
  | "uncertain"
  /** Of a user: accepted, waits for an earlier answer. */
  | "queued"
  /** Of a user: its answer runs. */
  | "answering"
  /** Of a user: the server does not have it, or the page was left before it could be sent. */
  | "unsent"
  /** Of a user: refused; the reason is in `error`. */
  | "refused"
  /** Of an assistant: the answer runs. */
  | "streaming"
  /** Of an assistant: stopped; `content` is what there was. */
  | "interrupted"
  /** Of an assistant: ended by a failure; the reason is in `error`. */
  | "failed"
  /** Ended well. */
  | "done";

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** null = the model is still writing it. */
  readonly input: JsonObject | null;
  /** null = it runs, or was stopped. */
  readonly result: JsonObject | null;
  readonly status: "writing" | "running" | "succeeded" | "failed" | "stopped";
  /** How much of the answer's text stands before the call, in UTF-16 units. */
  readonly offset: number;
  /** RFC 3339; null = it comes from the history. */
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

export type ArtifactType = "schedule" | "analysis" | "report" | "configuration";

/** A result that is shown beside the text. */
export interface Artifact {
  readonly id: string;
  readonly type: ArtifactType;
  readonly title: string;
  readonly data: unknown;
}

export interface ChatMessage {
  /** Unique in the chat and stable while the page is open. */
  readonly id: string;
  /** The server's id; null = not known yet. `edit` needs it. */
  readonly serverId: string | null;
  readonly role: "user" | "assistant";
  readonly content: string;
  /** RFC 3339 in UTC. */
  readonly timestamp: string;
  readonly status: MessageStatus;
  /** The user who wrote it elsewhere; null = written here, or by the assistant. */
  readonly by: string | null;
  readonly mode: SendMode | null;
  /** Ids of the files that it carries; undefined = none. */
  readonly attachments?: readonly string[] | undefined;
  readonly queue: { readonly position: number; readonly reason: string } | null;
  readonly error: string | null;
  readonly toolCalls: readonly ToolCall[];
  readonly artifacts: readonly Artifact[];
  readonly usage: Usage | null;
  /** In US dollars. */
  readonly costUsd: number | null;
  /** Whether its beginning was missed: the connection was opened while it ran. */
  readonly joinedLate: boolean;
}

/** A tool call that waits for a person's decision. */
export interface Confirmation {
  readonly id: string;
  readonly tool: string;
  readonly input: JsonObject;
  readonly summary: string;
  /** RFC 3339 in UTC; null = the server names no end. */
  readonly expiresAt: string | null;
  /** What was answered here and is on its way; null = nothing. */
  readonly answering: Decision | null;
}

export interface Notice {
  readonly id: number;
  readonly message: string;
  readonly timestamp: string;
}

export type Connection =
  /** Not asked for yet, or closed by this page. */
  | "idle"
  | "connecting"
  | "open"
  /** Lost; tried again by itself. */
  | "reconnecting"
  /** Refused for good: the token or the role does not do. */
  | "refused";

export interface ChatFailure {
  readonly message: string;
  readonly code: string | null;
  /** In seconds; null = not said. */
  readonly retryAfter: number | null;
}

export interface ChatState {
  readonly sessionId: string;
  readonly title: string | null;
  readonly connection: Connection;
  readonly messages: readonly ChatMessage[];
  /** What is before the first message: nothing, messages that can be asked for, or messages that were asked for. */
  readonly earlier: "none" | "some" | "asked";
  readonly confirmations: readonly Confirmation[];
  readonly presence: readonly PresentUser[];
  /** The newest ones, oldest first. */
  readonly notices: readonly Notice[];
  readonly failure: ChatFailure | null;
  /** Whether the running answer was asked to stop. */
  readonly stopping: boolean;
  /** The number of the last frame that was taken; null = none yet. */
  readonly lastSeq: number | null;
  /** Frames that came before a replay that was asked for; null = no replay is awaited. */
  readonly replay: Replay | null;
  /** The message that was edited, until its answer begins; null = none. */
  readonly edited: string | null;
  /** Counts what gets an id here. */
  readonly counter: number;
}

export interface Replay {
  /** `connected.seq`: what the replay begins with is not above it. */
  readonly until: number;
  readonly held: readonly ServerFrame[];
}

export function newState(sessionId: string): ChatState {
  return {
    sessionId,
    title: null,
    connection: "idle",
    messages: [],
    earlier: "none",
    confirmations: [],
    presence: [],
    notices: [],
    failure: null,
    stopping: false,
    lastSeq: null,
    replay: null,
    edited: null,
    counter: 0,
  };
}

const UNANSWERED: ReadonlySet<MessageStatus> = new Set<MessageStatus>([
  "waiting",
  "sent",
  "uncertain",
  "queued",
  "answering",
]);

/** Whether a user's message still waits for the end of its answer. */
export function isUnanswered(message: ChatMessage): boolean {
  return message.role === "user" && UNANSWERED.has(message.status);
}

/** Whether an answer runs or is expected. */
export function isStreaming(state: ChatState): boolean {
  return state.messages.some((message) => message.status === "streaming" || isUnanswered(message));
}

/** Whether nothing was said, and the server has told so: while a history is on its way, that is not known. */
export function isEmpty(state: ChatState): boolean {
  const isKnown = state.lastSeq !== null || state.connection === "open";
  return state.messages.length === 0 && isKnown && state.replay === null;
}

/** The answer that runs; null = none, or it has not said a word. */
export function runningAnswer(state: ChatState): ChatMessage | null {
  return state.messages.find((message) => message.status === "streaming") ?? null;
}
