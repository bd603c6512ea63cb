/** The comments on a turn that are being written, and the reviews of it that were sent. */

import {
  type UseMutationResult,
  type UseQueryResult,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect, useReducer } from "react";
import { call, withQuery } from "../../app/api.js";
import { KEY, sessionPath, type Turn } from "./changes.js";
import { beginningOf, commentsOf, type LineComment, type ReviewAction, reviewed } from "./review.js";

/** How often the history is read again, in milliseconds. */
const EVERY_MS = 3_000;

const ENDED: ReadonlySet<string> = new Set(["completed", "failed", "cancelled", "interrupted"]);

export interface SentReview {
  /** The id of its prompt. */
  readonly id: string;
  readonly hasEnded: boolean;
  readonly comments: readonly LineComment[];
}

interface HistoryMessage {
  readonly id: string;
  readonly direction: string;
  readonly message: string;
  readonly status: string;
}

/** The comments that are not sent yet; this tab keeps them over a reload. */
export function useDraft(message: string): readonly [readonly LineComment[], (action: ReviewAction) => void] {
  const key = `xswarm:review:${message}`;
  const [comments, act] = useReducer(reviewed, key, kept);
  useEffect(() => {
    if (comments.length === 0) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify(comments));
  }, [key, comments]);
  return [comments, act];
}

/** Sends comments to the session as one prompt. */
export function useSending(turn: Turn): UseMutationResult<unknown, Error, readonly LineComment[]> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (comments: readonly LineComment[]) => {
      const sent = comments.map(({ isBefore, ...one }) => ({ ...one, before: isBefore }));
      const body = { message_id: turn.message_id, comments: sent };
      return call(`${sessionPath(turn.session_id)}/changes/reviews`, { method: "POST", body });
    },
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  });
}

/** The reviews of a turn that its session got, newest first. */
export function useReviews(turn: Turn): UseQueryResult<readonly SentReview[]> {
  return useQuery({
    queryKey: [...KEY, "reviews", turn.session_id, turn.message_id],
    queryFn: async ({ signal }) => {
      const path = withQuery(`${sessionPath(turn.session_id)}/messages`, { limit: 200 });
      const { messages } = await call<{ readonly messages: readonly HistoryMessage[] }>(path, { signal });
      return messages
        .filter((one) => one.direction === "to_claude" && one.message.startsWith(beginningOf(turn.message_id)))
        .map((one) => ({ id: one.id, hasEnded: ENDED.has(one.status), comments: commentsOf(one.message) }))
        .reverse();
    },
    refetchInterval: EVERY_MS,
  });
}

function kept(key: string): readonly LineComment[] {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(key) ?? "[]");
    return Array.isArray(found) ? (found as readonly LineComment[]) : [];
  } catch {
    return [];
  }
}
