import { type ReactElement, useEffect, useRef, useState } from "react";
import type { ChatMessage, Confirmation } from "../chat/state.js";
import type { Words } from "./words.js";

/** The longest answer that is read out, in UTF-16 units. */
const LONGEST = 2_000;

/** Tells screen readers of each answer once, when it has ended, and of each question. */
export function Announcer({
  messages,
  confirmations,
  words,
}: {
  readonly messages: readonly ChatMessage[];
  readonly confirmations: readonly Confirmation[];
  readonly words: Words;
}): ReactElement {
  const [text, setText] = useState("");
  const running = useRef(new Set<string>());
  const asked = useRef(new Set<string>());
  useEffect(() => {
    for (const message of messages) {
      if (message.status === "streaming") running.current.add(message.id);
      else if (running.current.delete(message.id)) setText(spoken(message, words));
    }
  }, [messages, words]);
  useEffect(() => {
    for (const { id, summary, tool } of confirmations) {
      if (asked.current.has(id)) continue;
      asked.current.add(id);
      setText(`${words.confirmation}: ${summary || tool}`);
    }
  }, [confirmations, words]);
  return (
    <div role="status" aria-live="polite" className="xswarm-hidden">
      {text}
    </div>
  );
}

function spoken(message: ChatMessage, words: Words): string {
  const end = message.status === "interrupted" ? words.interrupted : (message.error ?? "");
  return [`${words.assistant}:`, message.content.slice(0, LONGEST), end].filter(Boolean).join(" ");
}
