"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import { type StorageOptions, useChatStorage } from "./useChatStorage.js";

/**
 * What is being written in a conversation, and how to change it; it survives a reload and a lost connection.
 *
 * The third function gives a text back that could not be sent, where nothing newer is being written; it says whether
 * it did. It may be called after the page was left.
 *
 * @param options the same as those of `useClaudeChat`.
 */
export function useChatDraft(
  sessionId: string,
  options: StorageOptions = {},
): readonly [string, (text: string) => void, (text: string) => boolean] {
  const storage = useChatStorage(options);
  const [draft, setDraft] = useState("");
  // Not while rendering: a page that was rendered on a server has no storage.
  useEffect(() => setDraft(storage.draft(sessionId)), [storage, sessionId]);
  const change = useCallback(
    (text: string) => {
      setDraft(text);
      storage.setDraft(sessionId, text);
    },
    [storage, sessionId],
  );
  const latest = useRef(draft);
  useEffect(() => {
    latest.current = draft;
  });
  const giveBack = useCallback(
    (text: string) => {
      // Without a storage only this page knows what is written.
      if (latest.current !== "" || storage.draft(sessionId) !== "") return false;
      change(text);
      return true;
    },
    [storage, sessionId, change],
  );
  return [draft, change, giveBack];
}
