import { useCallback, useEffect, useState } from "react";
import type { ChatMessage } from "../chat/state.js";

/** How many messages are on the page at first, and how many more with each step. */
const STEP = 40;

export interface Earlier {
  /** The messages to show. */
  readonly shown: readonly ChatMessage[];
  /** Whether there are messages before them. */
  readonly hasMore: boolean;
  readonly showMore: () => void;
  /** Takes the element at the beginning of the list: whenever it comes into sight, more is shown. */
  readonly sentinel: (element: Element | null) => void;
}

/** Shows the newest messages of a long conversation, and more of them whenever its beginning comes into sight. */
export function useEarlier(
  messages: readonly ChatMessage[],
  hasEarlier: boolean,
  ask: () => void,
  /** The server's id of a message that must be shown; null = none. */
  wanted: string | null,
): Earlier {
  const [firstId, setFirstId] = useState<string | null>(null);
  const known = firstId === null ? -1 : messages.findIndex((message) => message.id === firstId);
  const found = wanted === null ? -1 : messages.findIndex((message) => message.serverId === wanted);
  const usual = known >= 0 ? known : Math.max(0, messages.length - STEP);
  const from = found >= 0 ? Math.min(usual, found) : usual;
  const first = messages[from]?.id ?? null;
  // What is shown stays when new messages come.
  useEffect(() => setFirstId(first), [first]);
  useEffect(() => {
    if (wanted !== null && found < 0 && hasEarlier && messages.length > 0) ask();
  }, [wanted, found, hasEarlier, messages.length, ask]);

  const showMore = useCallback(() => {
    if (from > 0) setFirstId(messages[Math.max(0, from - STEP)]?.id ?? null);
    if (from <= STEP && hasEarlier) ask();
  }, [from, messages, hasEarlier, ask]);

  const [element, sentinel] = useState<Element | null>(null);
  useEffect(() => {
    if (element === null || typeof IntersectionObserver === "undefined") return;
    const observer = new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && showMore(), {
      rootMargin: "300px",
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [element, showMore]);

  return { shown: messages.slice(from), hasMore: from > 0 || hasEarlier, showMore, sentinel };
}
