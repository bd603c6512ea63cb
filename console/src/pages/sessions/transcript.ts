/** What was said in a session of Claude Code, read by pages from its end. */

import { type InfiniteData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
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
  /** Whether there may be older ones. */
  readonly hasEarlier: boolean;
}

/** A page as the daemon sends it; `truncated` = older ones did not fit. */
interface Answer {
  readonly messages: readonly Said[];
  readonly truncated: boolean;
}

/** The messages of a session, oldest first, and how to read earlier ones. */
export function useTranscript(session: string) {
  return useInfiniteQuery({
    queryKey: ["transcript", session],
    queryFn: async ({ client, queryKey, signal, pageParam }): Promise<Page> => {
      const known = pageAt(client.getQueryData<InfiniteData<Page, string>>(queryKey), pageParam);
      if (pageParam !== "" && known !== undefined && isSettled(known.messages)) return known;
      const path = withQuery(`${pathOf(session)}/messages`, { limit: PAGE, before: pageParam });
      const { messages, truncated } = await call<Answer>(path, { signal });
      const page = { messages, hasEarlier: truncated || messages.length >= PAGE };
      return pageParam === "" && known !== undefined ? grown(known, page) : page;
    },
    initialPageParam: "",
    getNextPageParam: before,
    refetchInterval: useEvery(EVERY_MS),
    retry: false,
  });
}

/** Before which message the page above one ends; null = there is none. */
export function before({ messages, hasEarlier }: Page): string | null {
  return hasEarlier ? (messages[0]?.id ?? null) : null;
}

function pageAt(data: InfiniteData<Page, string> | undefined, param: string): Page | undefined {
  return data?.pages[data.pageParams.indexOf(param)];
}

/**
 * The newest page with those messages in front that it held before, so that the earlier pages still end at it.
 *
 * Only the newest page is then read again where something changes. What may still change is not kept.
 */
export function grown(known: Page, newest: Page): Page {
  const ids = new Set(newest.messages.map((one) => one.id));
  const met = known.messages.findIndex((one) => ids.has(one.id));
  const kept = known.messages.slice(0, Math.max(met, 0));
  if (kept.length === 0 || !isSettled(kept)) return newest;
  return { messages: [...kept, ...newest.messages], hasEarlier: known.hasEarlier };
}

/** Whether nothing of these messages changes any more. */
function isSettled(messages: readonly Said[]): boolean {
  return messages.every(({ direction, status }) => direction === "from_claude" || OVER.includes(status));
}

/** Why the turn of a message failed. */
export function useWhy(message: string) {
  return useQuery({
    queryKey: ["why", message],
    queryFn: async ({ signal }) =>
      (await call<{ readonly error: string }>(`/api/messages/${encodeURIComponent(message)}`, { signal })).error,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** How many pages are read to find a message. */
const MOST_PAGES = 20;

/** What becomes of the search for a message in the pages that were read. */
export function searched(
  wanted: string | null,
  pages: readonly Page[],
  hasEarlier: boolean,
  hasFailed: boolean,
): "found" | "goes on" | "failed" | "too far" | "nowhere" {
  if (wanted === null || pages.some((page) => page.messages.some((one) => one.id === wanted))) return "found";
  if (hasFailed) return "failed";
  if (!hasEarlier && pages.length > 0) return "nowhere";
  return pages.length < MOST_PAGES ? "goes on" : "too far";
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
