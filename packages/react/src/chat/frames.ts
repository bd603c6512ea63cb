/**
 * The frames of the chat protocol, and a reader that takes only what is well formed.
 *
 * Both sides ignore the types and fields that they do not know.
 */

export type JsonObject = { readonly [name: string]: unknown };

/** How a message is taken while an answer runs: after it, into it, or instead of it. */
export type SendMode = "queue" | "steer" | "interrupt";

export type Decision = "allow" | "deny";

export type ClientFrame =
  | {
      readonly type: "user_message";
      readonly content: string;
      readonly session_id: string;
      /** The message's own id: the server takes the same one once. */
      readonly external_id: string;
      readonly mode?: SendMode;
      /** Ids of files that the server has. */
      readonly attachments?: readonly string[];
    }
  | { readonly type: "interrupt" }
  | { readonly type: "get_history"; readonly before?: string; readonly limit?: number }
  | { readonly type: "resume"; readonly after_seq: number; readonly open?: readonly string[] }
  | { readonly type: "confirm"; readonly id: string; readonly decision: Decision; readonly note?: string }
  | { readonly type: "edit"; readonly message_id: string; readonly content: string }
  | { readonly type: "typing" };

/** One message of a `history`. */
export interface HistoryEntry {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly content: string;
  readonly timestamp: string;
  readonly interrupted: boolean;
  /** How far its turn is; null = not said. */
  readonly status: string | null;
  readonly toolCalls: readonly JsonObject[];
  readonly artifacts: readonly JsonObject[];
  readonly costUsd: number | null;
}

export interface PresentUser {
  readonly id: string;
  readonly state: "viewing" | "writing";
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

interface Sequenced {
  /** The number of the frame in its session; null = the server sends none. */
  readonly seq: number | null;
}

export type ServerFrame = Sequenced &
  (
    | {
        readonly type: "connected";
        readonly sessionId: string;
        readonly historyCount: number;
        readonly title: string | null;
      }
    | { readonly type: "token"; readonly content: string }
    | { readonly type: "tool_call_start"; readonly id: string; readonly name: string }
    | { readonly type: "tool_call"; readonly id: string; readonly name: string; readonly input: JsonObject }
    | { readonly type: "tool_result"; readonly id: string; readonly result: JsonObject }
    | {
        readonly type: "complete";
        readonly usage: Usage | null;
        readonly costUsd: number | null;
        readonly messageIds: readonly string[];
      }
    | {
        readonly type: "interrupted";
        readonly message: string;
        readonly partial: boolean;
        readonly messageIds: readonly string[];
      }
    | {
        readonly type: "error";
        readonly message: string;
        readonly code: string | null;
        readonly retryAfter: number | null;
        readonly messageIds: readonly string[];
      }
    | {
        readonly type: "history";
        readonly entries: readonly HistoryEntry[];
        /** Whether there are messages before the first one. */
        readonly earlier: boolean;
        /** The message that the page ends before; null = it has the newest ones. */
        readonly before: string | null;
      }
    | { readonly type: "artifact"; readonly artifact: JsonObject }
    | {
        readonly type: "confirm_request";
        readonly id: string;
        readonly tool: string;
        readonly input: JsonObject;
        readonly summary: string;
        readonly expiresAt: string | null;
      }
    | { readonly type: "confirm_resolved"; readonly id: string; readonly decision: string; readonly by: string | null }
    | { readonly type: "queued"; readonly position: number; readonly reason: string; readonly messageId: string | null }
    | { readonly type: "notice"; readonly message: string }
    | {
        readonly type: "user_message";
        readonly id: string;
        readonly by: string;
        readonly content: string;
        readonly externalId: string | null;
      }
    | { readonly type: "presence"; readonly users: readonly PresentUser[] }
    | { readonly type: "session_updated"; readonly title: string }
    | { readonly type: "resumed" }
  );

export type FrameType = ServerFrame["type"];
export type FrameOf<T extends FrameType> = Extract<ServerFrame, { type: T }>;

/** Returns the frame in a text of the socket; null = unknown, or not well formed. */
export function readFrame(text: string): ServerFrame | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(value) || typeof value.type !== "string" || !Object.hasOwn(READERS, value.type)) return null;
  const body = READERS[value.type as FrameType](value);
  return body === null ? null : ({ ...body, seq: number(value.seq) } as ServerFrame);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Bodies = { [T in FrameType]: Omit<FrameOf<T>, "seq"> };

const READERS: { readonly [T in FrameType]: (frame: JsonObject) => Bodies[T] | null } = {
  connected: (frame) =>
    string(frame.session_id) === null
      ? null
      : {
          type: "connected",
          sessionId: text(frame.session_id),
          historyCount: number(frame.history_count) ?? 0,
          title: string(frame.title),
        },
  token: (frame) => (string(frame.content) === null ? null : { type: "token", content: text(frame.content) }),
  tool_call_start: (frame) =>
    string(frame.id) === null ? null : { type: "tool_call_start", id: text(frame.id), name: text(frame.name) },
  tool_call: (frame) =>
    string(frame.id) === null
      ? null
      : { type: "tool_call", id: text(frame.id), name: text(frame.name), input: object(frame.input) },
  tool_result: (frame) =>
    string(frame.id) === null
      ? null
      : {
          type: "tool_result",
          id: text(frame.id),
          result: isObject(frame.result) ? frame.result : { result: frame.result },
        },
  complete: (frame) => ({
    type: "complete",
    usage: usage(frame.usage),
    costUsd: number(frame.cost_usd),
    messageIds: messageIds(frame),
  }),
  interrupted: (frame) => ({
    type: "interrupted",
    message: text(frame.message),
    partial: frame.partial_response === true,
    messageIds: messageIds(frame),
  }),
  error: (frame) => ({
    type: "error",
    message: string(frame.message) ?? "The server reported an error",
    code: string(frame.code),
    retryAfter: number(frame.retry_after),
    messageIds: messageIds(frame),
  }),
  history: (frame) =>
    Array.isArray(frame.messages)
      ? {
          type: "history",
          entries: frame.messages.filter(isObject).map(entry),
          earlier: frame.earlier === true,
          before: string(frame.before),
        }
      : null,
  artifact: (frame) => (string(frame.id) === null ? null : { type: "artifact", artifact: frame }),
  confirm_request: (frame) =>
    string(frame.id) === null
      ? null
      : {
          type: "confirm_request",
          id: text(frame.id),
          tool: text(frame.tool),
          input: object(frame.input),
          summary: text(frame.summary),
          expiresAt: string(frame.expires_at),
        },
  confirm_resolved: (frame) =>
    string(frame.id) === null
      ? null
      : { type: "confirm_resolved", id: text(frame.id), decision: text(frame.decision), by: string(frame.by) },
  queued: (frame) => ({
    type: "queued",
    position: number(frame.position) ?? 1,
    reason: text(frame.reason),
    messageId: string(frame.message_id),
  }),
  notice: (frame) => (string(frame.message) === null ? null : { type: "notice", message: text(frame.message) }),
  user_message: (frame) =>
    string(frame.id) === null
      ? null
      : {
          type: "user_message",
          id: text(frame.id),
          by: text(frame.by),
          content: text(frame.content),
          externalId: string(frame.external_id),
        },
  presence: (frame) => ({
    type: "presence",
    users: (Array.isArray(frame.users) ? frame.users : [])
      .filter(isObject)
      .map((user) => ({ id: text(user.id), state: user.state === "writing" ? "writing" : "viewing" })),
  }),
  session_updated: (frame) =>
    string(frame.title) === null ? null : { type: "session_updated", title: text(frame.title) },
  resumed: () => ({ type: "resumed" }),
};

function entry(value: JsonObject): HistoryEntry {
  return {
    id: text(value.id),
    role: value.role === "user" ? "user" : "assistant",
    content: text(value.content),
    timestamp: text(value.timestamp),
    interrupted: value.interrupted === true,
    status: string(value.status),
    toolCalls: objects(value.tool_calls),
    artifacts: objects(value.artifacts),
    costUsd: number(value.cost_usd),
  };
}

function usage(value: unknown): Usage | null {
  if (!isObject(value)) return null;
  return { inputTokens: number(value.input_tokens) ?? 0, outputTokens: number(value.output_tokens) ?? 0 };
}

function string(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** The value as text; an id that came as a number is one too. */
function text(value: unknown): string {
  return typeof value === "number" ? String(value) : (string(value) ?? "");
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function object(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function objects(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The messages that a frame is about: `message_ids`, else the one of `message_id`. */
function messageIds(frame: JsonObject): readonly string[] {
  const ids = Array.isArray(frame.message_ids) ? frame.message_ids : [frame.message_id];
  return ids.map(text).filter((id) => id !== "");
}
