"use client";

import { useCallback, useMemo, useSyncExternalStore } from "react";
import { newId } from "../client/address.js";
import { type StoredSession, watchSessions } from "../client/storage.js";
import { type StorageOptions, useChatStorage } from "./useChatStorage.js";

export interface ChatSessions {
  /** The conversations that this browser keeps, newest first. */
  readonly sessions: readonly StoredSession[];
  /** The one that was open last; null = none. */
  readonly currentId: string | null;
  /** An id for a new conversation. */
  readonly create: () => string;
  /** Forgets a conversation in this browser; the server keeps it. */
  readonly forget: (id: string) => void;
}

const NOTHING = JSON.stringify([[], null]);

/** The conversations that this browser keeps; give it the same options as `useClaudeChat`. */
export function useChatSessions(options: StorageOptions = {}): ChatSessions {
  const storage = useChatStorage(options);
  // A text, since what a store returns must be the same while nothing changes.
  const read = useCallback(() => JSON.stringify([storage.sessions(), storage.current()]), [storage]);
  const text = useSyncExternalStore(watchSessions, read, () => NOTHING);
  return useMemo(() => {
    const [sessions, currentId] = JSON.parse(text) as [readonly StoredSession[], string | null];
    return { sessions, currentId, create: newId, forget: (id: string) => storage.forget(id) };
  }, [storage, text]);
}
