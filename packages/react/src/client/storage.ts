/** What the browser keeps of chats: the newest sessions with their messages, and what was written and not sent. */

import { type ChatMessage, type ChatState, newState } from "../chat/state.js";

/** How many sessions are kept. */
export const KEPT_SESSIONS = 20;

/** A session whose record is longer, in characters, is kept without its messages: the server has them. */
export const LONGEST_RECORD = 150_000;

/** A message that was on its way when the page was left is sent again within this time only, in milliseconds. */
const FRESH_MS = 600_000;

/** How many messages of a session are kept, at most: the server has the others. */
const KEPT_MESSAGES = 100;

const VERSION = 1;

export interface StoredSession {
  readonly id: string;
  readonly title: string;
  /** RFC 3339 in UTC. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly messageCount: number;
}

/** Those who show the list of sessions in this page. */
const watchers = new Set<() => void>();

/** Calls `watcher` when a list of sessions changes in this page or in another tab; returns how to end that. */
export function watchSessions(watcher: () => void): () => void {
  watchers.add(watcher);
  window.addEventListener("storage", watcher);
  return () => {
    watchers.delete(watcher);
    window.removeEventListener("storage", watcher);
  };
}

/** The part of `Storage` that is used. */
export type Shelf = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/**
 * Reads and writes a browser's storage; where there is none, or it is full or forbidden, nothing is kept.
 *
 * The people of one browser have records of their own: `owner` is part of every key.
 */
export class ChatStorage {
  readonly #shelf: Shelf | null;
  readonly #prefix: string;

  constructor(shelf: Shelf | null, owner: string) {
    this.#shelf = shelf;
    this.#prefix = `xswarm:${owner}:`;
  }

  /** The sessions, newest first. */
  sessions(): readonly StoredSession[] {
    const list = this.#read("sessions");
    return Array.isArray(list) ? list.filter(isStoredSession) : [];
  }

  /** The session that was open last; null = none. */
  current(): string | null {
    const id = this.#read("current");
    return typeof id === "string" ? id : null;
  }

  setCurrent(id: string): void {
    if (this.current() === id) return;
    this.#write("current", id);
    this.#changed();
  }

  /** The state of a session as it was kept; one of its own where nothing was. `now` is RFC 3339. */
  load(id: string, now: string): ChatState {
    const record = this.#read(`session:${id}`);
    if (!isRecord(record)) return newState(id);
    const isFresh = Date.parse(now) - Date.parse(record.savedAt) < FRESH_MS;
    const messages = record.messages.map((message) => restored(message, isFresh));
    const { title, lastSeq, counter, earlier } = record;
    return { ...newState(id), title, lastSeq, counter, messages, earlier: earlier === true ? "some" : "none" };
  }

  /** Keeps a session. One without a message is not worth it. `now` is RFC 3339. */
  save(state: ChatState, now: string): void {
    if (this.#shelf === null || state.messages.length === 0) return;
    const { title, lastSeq, counter } = state;
    const messages = state.messages.slice(-KEPT_MESSAGES);
    const earlier = messages.length < state.messages.length || state.earlier !== "none";
    let text = JSON.stringify({ version: VERSION, savedAt: now, title, lastSeq, counter, messages, earlier });
    if (text.length > LONGEST_RECORD) {
      const left = state.messages.filter((message) => message.role === "user" && message.serverId === null);
      text = JSON.stringify({ version: VERSION, savedAt: now, title, lastSeq: null, counter, messages: left });
    }
    this.#list(state, now);
    this.#put(`session:${state.sessionId}`, text);
    this.#changed();
  }

  /** Forgets a session and its draft. */
  forget(id: string): void {
    this.#remove(`session:${id}`);
    this.#remove(`draft:${id}`);
    this.#write(
      "sessions",
      this.sessions().filter((session) => session.id !== id),
    );
    if (this.current() === id) this.#remove("current");
    this.#changed();
  }

  /** What was written in a session and not sent. */
  draft(id: string): string {
    const draft = this.#read(`draft:${id}`);
    return typeof draft === "string" ? draft : "";
  }

  setDraft(id: string, text: string): void {
    if (text === "") this.#remove(`draft:${id}`);
    else this.#write(`draft:${id}`, text);
  }

  #list(state: ChatState, now: string): void {
    const before = this.sessions();
    const first = state.messages.find((message) => message.role === "user");
    const entry: StoredSession = {
      id: state.sessionId,
      title: state.title ?? (first?.content.slice(0, 60) || "New conversation"),
      createdAt: before.find((session) => session.id === state.sessionId)?.createdAt ?? now,
      updatedAt: now,
      messageCount: state.messages.length,
    };
    const all = [entry, ...before.filter((session) => session.id !== entry.id)];
    for (const old of all.slice(KEPT_SESSIONS)) {
      this.#remove(`session:${old.id}`);
      this.#remove(`draft:${old.id}`);
    }
    this.#write("sessions", all.slice(0, KEPT_SESSIONS));
  }

  #changed(): void {
    for (const watcher of [...watchers]) watcher();
  }

  #read(key: string): unknown {
    try {
      return JSON.parse(this.#shelf?.getItem(this.#prefix + key) ?? "null");
    } catch {
      return null;
    }
  }

  #write(key: string, value: unknown): void {
    this.#put(key, JSON.stringify(value));
  }

  /** Writes a record; where the storage is full, the oldest session gives way once. */
  #put(key: string, text: string): void {
    try {
      this.#shelf?.setItem(this.#prefix + key, text);
    } catch {
      const oldest = this.sessions().findLast((session) => key !== `session:${session.id}`);
      if (oldest === undefined) return;
      this.#remove(`session:${oldest.id}`);
      try {
        this.#shelf?.setItem(this.#prefix + key, text);
      } catch {
        // Still full: the page works without.
      }
    }
  }

  #remove(key: string): void {
    try {
      this.#shelf?.removeItem(this.#prefix + key);
    } catch {
      // Forbidden: there is nothing to remove either.
    }
  }
}

/** The browser's own storage; null = there is none, or the page may not use it. */
export function browserShelf(): Shelf | null {
  try {
    return typeof window === "undefined" ? null : window.localStorage;
  } catch {
    return null;
  }
}

interface SessionRecord {
  readonly savedAt: string;
  readonly title: string | null;
  readonly lastSeq: number | null;
  readonly counter: number;
  readonly messages: readonly ChatMessage[];
  /** Whether the server has messages before the first one. */
  readonly earlier?: boolean;
}

function isRecord(value: unknown): value is SessionRecord {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Record<string, unknown>;
  return (
    record.version === VERSION &&
    typeof record.savedAt === "string" &&
    typeof record.counter === "number" &&
    (record.lastSeq === null || typeof record.lastSeq === "number") &&
    Array.isArray(record.messages) &&
    record.messages.every(isMessage)
  );
}

function isMessage(value: unknown): value is ChatMessage {
  if (typeof value !== "object" || value === null) return false;
  const message = value as Record<string, unknown>;
  return (
    typeof message.id === "string" &&
    typeof message.content === "string" &&
    typeof message.status === "string" &&
    Array.isArray(message.toolCalls) &&
    Array.isArray(message.artifacts)
  );
}

function isStoredSession(value: unknown): value is StoredSession {
  return typeof value === "object" && value !== null && typeof (value as StoredSession).id === "string";
}

function restored(message: ChatMessage, isFresh: boolean): ChatMessage {
  if (message.status === "waiting") return { ...message, status: "unsent" };
  if (message.status !== "sent" || message.serverId !== null) return message;
  return { ...message, status: isFresh ? "uncertain" : "unsent" };
}
