import { useCallback, useEffect, useState } from "react";
import type { ChatStorage } from "../client/storage.js";

/** What is being written in a session; it survives a reload and a lost connection. */
export function useDraft(storage: ChatStorage, sessionId: string): readonly [string, (text: string) => void] {
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
