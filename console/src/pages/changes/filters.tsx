import type { ReactElement } from "react";
import { Link } from "wouter";
import { withQuery } from "../../app/api.js";

/** The names of the filters in the address. */
export const FILTERS = ["user", "project", "session", "state", "path", "before"] as const;

/** What the address gives; empty = nothing. */
export type Given = Readonly<Record<(typeof FILTERS)[number], string>>;

/** Links to the newest page of a list and to the next one. */
export function Pages({
  given,
  next,
  view,
}: {
  readonly given: Given;
  readonly next: string | null;
  readonly view?: string;
}): ReactElement | null {
  if (given.before === "" && next === null) return null;
  return (
    <nav className="tools" aria-label="Pages of the list">
      {given.before !== "" && <Link href={withQuery("/changes", { view, ...given, before: null })}>Newest</Link>}
      {next !== null && <Link href={withQuery("/changes", { view, ...given, before: next })}>Older</Link>}
    </nav>
  );
}
