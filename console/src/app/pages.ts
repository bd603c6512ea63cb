/** The pages of the console. The daemon serves index.html for the same paths: `PAGES` in supervisor/wires/http/console.py. */

export interface Page {
  /** The first part of its path. */
  readonly name: string;
  readonly title: string;
  /** The key that opens it, after `g`. */
  readonly key: string;
  /** Whose page it is; without it everybody's. The daemon refuses all others too. */
  readonly of?: "overseers" | "administrators";
}

export const PAGES: readonly Page[] = [
  { name: "dashboard", title: "Dashboard", key: "d" },
  { name: "chat", title: "Chat", key: "c" },
  { name: "approvals", title: "Approvals", key: "a" },
  { name: "changes", title: "Changes", key: "h" },
  { name: "costs", title: "Costs", key: "o" },
  { name: "sessions", title: "Sessions", key: "s" },
  { name: "queue", title: "Queue", key: "q" },
  { name: "messages", title: "Messages", key: "m" },
  { name: "outbox", title: "Outbox", key: "x" },
  { name: "agents", title: "Agents", key: "n" },
  { name: "people", title: "People", key: "p", of: "administrators" },
  { name: "tokens", title: "Tokens", key: "t", of: "administrators" },
  { name: "audit", title: "Audit", key: "u", of: "administrators" },
];

/** The pages that a person is offered; until their role is known, those of everybody. */
export function pagesOf(me: { readonly oversees: boolean; readonly administers: boolean } | undefined): Page[] {
  const has = { overseers: me?.oversees ?? false, administrators: me?.administers ?? false };
  return PAGES.filter((page) => page.of === undefined || has[page.of]);
}
