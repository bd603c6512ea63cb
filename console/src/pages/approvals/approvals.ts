/** Open questions about tool calls, as the daemon lists them. */

import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { call } from "../../app/api.js";
import { useEvery } from "../../app/live.js";

/** How often the list is read again where nothing says that it changed: what was answered elsewhere disappears. */
const EVERY_MS = 900;

export const KEY = ["approvals"] as const;

export interface Approval {
  readonly approval_id: string;
  readonly code: string;
  readonly session_id: string;
  readonly user_id: string;
  readonly project: string;
  readonly tool: string;
  readonly risk: string;
  readonly summary: string;
  readonly call: string;
  /** A unified diff; empty = not known, or nothing changes. */
  readonly diff: string;
  readonly truncated: boolean;
  /** RFC 3339 in UTC. */
  readonly expires_at: string;
}

export interface Answer {
  readonly decision: "allow" | "deny";
  /** How long the answer also counts for calls of the same kind; 0 = for this call only. */
  readonly minutes?: number;
  readonly note?: string;
}

export function useApprovals(): UseQueryResult<readonly Approval[]> {
  return useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) =>
      (await call<{ readonly approvals: readonly Approval[] }>("/api/approvals", { signal })).approvals,
    refetchInterval: useEvery(EVERY_MS),
  });
}

export function pathOf(approval: Approval): string {
  return `/api/approvals/${encodeURIComponent(approval.approval_id)}`;
}
