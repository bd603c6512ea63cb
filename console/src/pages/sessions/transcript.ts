/** What was said in a session of Claude Code, read by pages from its end. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { call, withQuery } from "../../app/api.js";
import { useEvery } from "../../app/live.js";
import { pathOf } from "./sessions.js";

const PAGE = 50;

/** How often it is read again where nothing says that it changed, in milliseconds. */
const EVERY_MS = 3_000;

export interface Said {
  readonly id: string;
  readonly direction: "to_claude" | "from_claude";
  readonly message: string;
  readonly timestamp: string;
  readonly cost_usd: number | null;
  /** The state of its turn. */
  readonly status: string;
  /** Who wrote it; null = Claude Code. */
  readonly user_id: string | null;
  /** Whether more was said than stands here. */
  readonly truncated: boolean;
}

export interface Page {
  readonly messages: readonly Said[];
  /** Whether older ones did not fit. */
  readonly truncated: boolean;
}

/** The messages of a session, oldest first, and how to read earlier ones. */
export function useTranscript(session: string) {
  return useInfiniteQuery({
    queryKey: ["transcript", session],
    queryFn: ({ signal, pageParam }) =>
      call<Page>(withQuery(`${pathOf(session)}/messages`, { limit: PAGE, before: pageParam }), { signal }),
    initialPageParam: "",
    getNextPageParam: (page) => before(page, PAGE),
    refetchInterval: useEvery(EVERY_MS),
    retry: false,
  });
}

/** Before which message the page above one ends; null = there is none. */
export function before(page: Page, size: number): string | null {
  const isFull = page.truncated || page.messages.length >= size;
  return isFull ? (page.messages[0]?.id ?? null) : null;
}

/** States of turns that do not end by themselves any more. */
const OVER: readonly string[] = ["completed", "failed", "interrupted", "cancelled"];

/** Whether the answer to a message still comes. */
export function isRunning(messages: readonly Said[], message: string): boolean {
  const asked = messages.find((one) => one.id === message);
  return asked === undefined || !OVER.includes(asked.status);
}

const STATES: Readonly<Record<string, string>> = {
  pending: "waits for its turn",
  running: "Claude Code works on it",
  waiting: "waits for the running answer",
  failed: "failed",
  interrupted: "interrupted; CONTINUE, RETRY or DROP it",
  cancelled: "stopped",
};

/** What a message says of its turn; empty = its answer stands below it. */
export function stateOf({ direction, status }: Said): string {
  return direction === "to_claude" ? (STATES[status] ?? "") : "";
}
