/** Open questions about tool calls, as the daemon lists them. */

import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { call, Refused } from "../../app/api.js";
import { proofFor } from "../../app/check.js";
import { useEvery } from "../../app/live.js";
import { signedIn } from "../../app/session.js";

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

/** Allows a call with a passkey that is shown for this call and these minutes: the second way of a high risk. */
export async function allowWithPasskey(approval: Approval, { minutes = 0, note = "" }: Answer): Promise<void> {
  const path = `/api/auth/approvals/${encodeURIComponent(approval.approval_id)}`;
  const credential = await proofFor(path, { minutes });
  await call(path, { method: "POST", body: { minutes, note, credential } });
}

/** Whether the daemon refused a yes for which a passkey may be shown instead. */
export function mayProve(error: Error | null): boolean {
  // Passkeys belong to people whom a cookie names, on a page under a host name.
  return error instanceof Refused && error.code === "not_allowed" && signedIn().token === null;
}

export function pathOf(approval: Approval): string {
  return `/api/approvals/${encodeURIComponent(approval.approval_id)}`;
}
