/** What programs report of their agents, as the daemon lists it. */

import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { call, withQuery } from "../../app/api.js";
import type { Column } from "../../ui/Table.js";
import { second } from "../../ui/time.js";

/** How often it is read again where nothing says that it changed, in milliseconds. */
const EVERY_MS = 15_000;

export interface Agent {
  readonly name: string;
  readonly status: string;
  readonly last_update: string;
}

export interface FileChange {
  readonly id: string;
  readonly type: "create" | "modify" | "delete";
  readonly filepath: string;
  readonly timestamp: string;
  readonly rolled_back: boolean;
  /** The message to Claude Code whose turn did it; null = a program did it itself. */
  readonly message_id: string | null;
}

export interface AgentMessage {
  readonly timestamp: string;
  readonly agent: string;
  readonly content: string;
  readonly type: string;
}

export interface Conversation {
  readonly id: string;
  readonly start_time: string;
  readonly end_time: string | null;
  readonly agents: readonly string[];
  readonly messages: readonly AgentMessage[];
  readonly message_count: number;
  readonly file_operations: readonly FileChange[];
  readonly status: "active" | "completed";
}

export interface Statistics {
  readonly total_conversations: number;
  readonly active_conversations: number;
  readonly total_messages: number;
  readonly total_file_operations: number;
  readonly recent_operations: readonly FileChange[];
}

export function useAgents(): UseQueryResult<readonly Agent[]> {
  return useQuery({
    queryKey: ["agents", "active"],
    queryFn: async ({ signal }) => {
      const found = await call<Readonly<Record<string, Omit<Agent, "name">>>>("/api/active-agents", { signal });
      return Object.entries(found).map(([name, state]) => ({ name, ...state }));
    },
    refetchInterval: EVERY_MS,
  });
}

export function useStatistics(): UseQueryResult<Statistics> {
  return useQuery({
    queryKey: ["agents", "statistics"],
    queryFn: ({ signal }) => call<Statistics>("/api/stats", { signal }),
    refetchInterval: EVERY_MS,
  });
}

export function useConversations(): UseQueryResult<readonly Conversation[]> {
  return useQuery({
    queryKey: ["agents", "conversations"],
    queryFn: ({ signal }) =>
      call<readonly Conversation[]>(withQuery("/api/conversations", { limit: 100, messages: 1 }), { signal }),
    refetchInterval: EVERY_MS,
  });
}

export function useConversation(id: string): UseQueryResult<Conversation> {
  return useQuery({
    queryKey: ["agents", "conversation", id],
    queryFn: ({ signal }) => call<Conversation>(`/api/conversations/${encodeURIComponent(id)}`, { signal }),
    refetchInterval: EVERY_MS,
  });
}

export const AGENTS: readonly Column<Agent>[] = [
  { title: "Agent", order: "agent", by: (one) => one.name, show: (one) => one.name },
  { title: "Does", order: "does", by: (one) => one.status, show: (one) => one.status },
  { title: "Since (UTC)", order: "since", by: (one) => one.last_update, show: (one) => second(one.last_update) },
];

export const FILES: readonly Column<FileChange>[] = [
  { title: "File", show: (one) => one.filepath },
  { title: "What", show: (one) => one.type },
  { title: "By", show: (one) => (one.message_id === null ? "the program" : "Claude Code") },
  { title: "Taken back", show: (one) => (one.rolled_back ? "yes" : "no") },
  { title: "At (UTC)", show: (one) => second(one.timestamp) },
];
