import type { ReactElement } from "react";
import { Link } from "wouter";
import { Refused } from "../../app/api.js";
import { Trouble } from "../../ui/Trouble.js";
import { pageOf, type Turn, useTurn } from "./changes.js";
import { PatchTable } from "./PatchTable.js";
import { filesOf } from "./patch.js";
import { keyOf, type LineComment } from "./review.js";
import { type SentReview, useReviews, useSending } from "./useReview.js";

/** The reviews of a turn: the one that is being written, and what the sent ones led to. */
export function ReviewPanel({
  turn,
  comments,
  onSent,
}: {
  readonly turn: Turn;
  /** Not sent yet. */
  readonly comments: readonly LineComment[];
  readonly onSent: () => void;
}): ReactElement {
  const sending = useSending(turn);
  const reviews = useReviews(turn);
  return (
    <section className="review" aria-labelledby="review-title">
      <h2 id="review-title">Review</h2>
      {comments.length === 0 && (
        <p className="quiet">
          Tap the number of a line to comment on it; all comments go to the session as one message.
        </p>
      )}
      {comments.length > 0 && (
        <button
          type="button"
          className="main"
          disabled={sending.isPending}
          onClick={() => sending.mutate(comments, { onSuccess: onSent })}
        >
          Send {comments.length === 1 ? "one comment" : `${comments.length} comments`} to the session
        </button>
      )}
      <Trouble error={sending.error ?? reviews.error} />
      {reviews.data?.map((review) => (
        <Outcome key={review.id} turn={turn} review={review} />
      ))}
    </section>
  );
}

/** A sent review: each comment, and below it what the session changed next in the same file. */
function Outcome({ turn, review }: { readonly turn: Turn; readonly review: SentReview }): ReactElement {
  const next = useTurn(turn.session_id, review.id, review.hasEnded);
  const patches = new Map(filesOf(next.data?.diff ?? "").map((patch) => [patch.path, patch]));
  const hasNone = next.error instanceof Refused && next.error.code === "nothing_to_undo";
  return (
    <article className="card" aria-label="A review that was sent">
      <p role="status">
        {!review.hasEnded && "The session works on it."}
        {review.hasEnded && hasNone && "The session has changed no file."}
        {next.data !== undefined && <Link href={pageOf(next.data)}>What it changed next</Link>}
      </p>
      {!hasNone && <Trouble error={next.error} />}
      {review.comments.map((comment) => {
        const patch = patches.get(comment.path);
        return (
          <div key={keyOf(comment)}>
            <h3>
              <code>{comment.path}</code>, line {comment.line}
              {comment.isBefore && " before the turn"}
            </h3>
            <pre tabIndex={0}>{comment.code}</pre>
            <blockquote>{comment.text}</blockquote>
            {patch !== undefined && patch.lines.length > 0 && <PatchTable patch={patch} />}
            {next.data !== undefined && patch === undefined && <p className="quiet">This file was not changed next.</p>}
          </div>
        );
      })}
    </article>
  );
}
