/** The pages of the console. The daemon serves index.html for the same paths: `PAGES` in supervisor/wires/http/console.py. */

export interface Page {
  /** The first part of its path. */
  readonly name: string;
  readonly title: string;
  /** The key that opens it, after `g`. */
  readonly key: string;
}

export const PAGES: readonly Page[] = [
  { name: "chat", title: "Chat", key: "c" },
  { name: "approvals", title: "Approvals", key: "a" },
  { name: "changes", title: "Changes", key: "h" },
  { name: "costs", title: "Costs", key: "o" },
  { name: "sessions", title: "Sessions", key: "s" },
  { name: "queue", title: "Queue", key: "q" },
];
