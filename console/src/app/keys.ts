/** Keys that open pages: a pure machine, and the hook that feeds it. */

import { useEffect, useRef } from "react";
import { PAGES, type Page } from "./pages.js";

export type KeyAction = { readonly open: string } | { readonly help: true } | { readonly use: string } | null;

/** Keys of what is on a page, which has them as its `aria-keyshortcuts`. */
const USED: ReadonlyMap<string, string> = new Map([
  ["/", "Search in all conversations"],
  ["n", "New conversation"],
  ["t", "What the assistant can do"],
  ["m", "Write a message"],
]);

export interface KeyState {
  /** The key that was pressed before, where it is the first of two. */
  readonly first: "g" | null;
}

/** The keys as the list under `?` shows them, with those of some pages. */
export function keysOf(pages: readonly Page[]): readonly (readonly [string, string])[] {
  return [
    ["?", "This list"],
    ...pages.map((page) => [`g ${page.key}`, page.title] as const),
    ...USED,
    ["Enter", "Send a message; Shift+Enter begins a line"],
    ["Escape", "Stop the running answer; close what is open"],
  ];
}

/** What a key does, and what it leaves for the next one. */
export function pressed(state: KeyState, key: string): readonly [KeyState, KeyAction] {
  if (key === "?") return [{ first: null }, { help: true }];
  if (state.first === "g") {
    const page = PAGES.find((one) => one.key === key);
    return [{ first: null }, page === undefined ? null : { open: `/${page.name}` }];
  }
  return [{ first: key === "g" ? "g" : null }, USED.has(key) ? { use: key } : null];
}

/** Uses what has a key on this page: a field is written in, a button pressed. */
export function use(key: string): void {
  const found = document.querySelector<HTMLElement>(`[aria-keyshortcuts="${key}"]`);
  found?.focus();
  if (found instanceof HTMLButtonElement) found.click();
}

/** Whether a key goes into what is being written. */
export function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}

/** Calls back for the keys of the list, but not while somebody writes. */
export function useKeys(onAction: (action: NonNullable<KeyAction>) => void): void {
  const state = useRef<KeyState>({ first: null });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isWriting(event.target)) return;
      const [next, action] = pressed(state.current, event.key);
      if (event.key !== "Shift") state.current = next;
      if (action === null) return;
      event.preventDefault();
      onAction(action);
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [onAction]);
}
