/** New messages, and what a server's record becomes in one. */

import { type HistoryEntry, isObject, type JsonObject } from "./frames.js";
import type { Artifact, ArtifactType, ChatMessage, MessageStatus, ToolCall } from "./state.js";

const ARTIFACT_TYPES: ReadonlySet<string> = new Set<ArtifactType>(["schedule", "analysis", "report", "configuration"]);

const BLANK = {
  serverId: null,
  by: null,
  mode: null,
  queue: null,
  error: null,
  toolCalls: [],
  artifacts: [],
  usage: null,
  costUsd: null,
  joinedLate: false,
} as const;

/** A message that a user wrote. */
export function userMessage(id: string, content: string, timestamp: string, status: MessageStatus): ChatMessage {
  return { ...BLANK, id, role: "user", content, timestamp, status };
}

/** An answer that begins. */
export function newAnswer(id: string, timestamp: string, joinedLate: boolean): ChatMessage {
  return { ...BLANK, id, role: "assistant", content: "", timestamp, status: "streaming", joinedLate };
}

/** A message of the history. */
export function recordedMessage(entry: HistoryEntry): ChatMessage {
  const status = recordedStatus(entry);
  return {
    ...BLANK,
    id: `${entry.role}:${entry.id}`,
    serverId: entry.id,
    role: entry.role,
    content: entry.content,
    timestamp: entry.timestamp,
    status,
    toolCalls: entry.toolCalls.map(recordedToolCall).filter((call) => call.id !== ""),
    artifacts: entry.artifacts.map(readArtifact).filter((artifact) => artifact !== null),
    costUsd: entry.costUsd,
    joinedLate: entry.role === "assistant" && status === "streaming",
  };
}

/** The artifact in a server's record; null = it has no id. A type that is not known is a report. */
export function readArtifact(record: JsonObject): Artifact | null {
  const { id, title } = record;
  const type = record.kind ?? record.type;
  if (typeof id !== "string" || id === "") return null;
  const known = typeof type === "string" && ARTIFACT_TYPES.has(type);
  return {
    id,
    type: known ? (type as ArtifactType) : "report",
    title: typeof title === "string" && title !== "" ? title : id,
    data: record.data,
  };
}

/** Whether a tool's result tells of a failure. */
export function isFailure(result: JsonObject): boolean {
  return result.failed === true || result.is_error === true || (result.error !== undefined && result.error !== null);
}

/** What the state of a turn means for its message and its answer. */
const STATUS: { readonly [role in HistoryEntry["role"]]: ReadonlyMap<string, MessageStatus> } = {
  user: new Map([
    ["pending", "queued"],
    ["running", "answering"],
    ["waiting", "answering"],
  ]),
  assistant: new Map([
    ["running", "streaming"],
    ["waiting", "streaming"],
    ["failed", "failed"],
    ["interrupted", "interrupted"],
    ["cancelled", "interrupted"],
  ]),
};

function recordedStatus(entry: HistoryEntry): MessageStatus {
  if (entry.interrupted && entry.role === "assistant") return "interrupted";
  return STATUS[entry.role].get(entry.status ?? "") ?? "done";
}

function recordedToolCall(record: JsonObject): ToolCall {
  const result = isObject(record.result) ? record.result : null;
  return {
    id: typeof record.id === "string" ? record.id : "",
    name: typeof record.name === "string" ? record.name : "",
    input: isObject(record.input) ? record.input : {},
    result,
    status: result === null ? "stopped" : isFailure(result) ? "failed" : "succeeded",
    offset: 0,
    startedAt: typeof record.started_at === "string" ? record.started_at : null,
    endedAt: typeof record.ended_at === "string" ? record.ended_at : null,
  };
}
