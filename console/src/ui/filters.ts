/** What is chosen on a page, in its address: filters, order, place in a list. */

import { useCallback } from "react";
import { useSearchParams } from "wouter";

export interface Chosen {
  /** The text of a filter; empty = it is not set. */
  readonly get: (name: string) => string;
  /** Sets filters, and begins the list anew; an empty text removes one. */
  readonly set: (changes: Readonly<Record<string, string>>) => void;
  /** Whether anything is chosen that leaves rows out. */
  readonly isFiltered: boolean;
}

/** The part of an address that says where in a list its page begins. */
export const FROM = "from";

/** What an address says of how a list is shown; it leaves nothing out. */
const SHOWN_AS: ReadonlySet<string> = new Set(["view", "sort", "order", "replies"]);

export function useChosen(): Chosen {
  const [chosen, choose] = useSearchParams();
  const get = useCallback((name: string) => chosen.get(name) ?? "", [chosen]);
  const set = useCallback(
    (changes: Readonly<Record<string, string>>) => choose((before) => changed(before, changes)),
    [choose],
  );
  return { get, set, isFiltered: [...chosen.keys()].some((name) => !SHOWN_AS.has(name)) };
}

/** What an address says after changes: another filter begins the list anew. */
export function changed(before: URLSearchParams, changes: Readonly<Record<string, string>>): URLSearchParams {
  const after = new URLSearchParams(before);
  if (!(FROM in changes)) after.delete(FROM);
  for (const [name, value] of Object.entries(changes)) {
    if (value.trim() === "") after.delete(name);
    else after.set(name, value.trim());
  }
  return after;
}
