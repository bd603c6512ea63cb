"use client";

import { useCallback, useEffect, useState } from "react";
import { type StorageOptions, useChatStorage } from "./useChatStorage.js";

/**
 * What is being written in a conversation, and how to change it; it survives a reload and a lost connection.
 *
 * @param options the same as those of `useClaudeChat`.
 */
export function useChatDraft(
  sessionId: string,
  options: StorageOptions = {},
): readonly [string, (text: string) => void] {
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
  return [draft, change];
}
