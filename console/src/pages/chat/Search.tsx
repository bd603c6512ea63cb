import { useQuery } from "@tanstack/react-query";
import { type ReactElement, useDeferredValue } from "react";
import { Link } from "wouter";
import { call, withQuery } from "../../app/api.js";
import { Trouble } from "../../ui/Trouble.js";
import { minute } from "../../ui/time.js";
import { pageOf } from "../sessions/sessions.js";
import type { Chat } from "./chats.js";

interface FoundMessage {
  /** Empty = a text or mail to the assistant, which belongs to no session. */
  readonly session_id: string;
  readonly kind: "chat" | "claude_code" | "";
  readonly title: string;
  readonly project: string;
  readonly channel: string;
  readonly message_id: string;
  readonly user_id: string;
  readonly role: "user" | "assistant";
  readonly excerpt: readonly { readonly text: string; readonly found: boolean }[];
  readonly timestamp: string;
}

interface Results {
  readonly sessions: readonly Chat[];
  readonly messages: readonly FoundMessage[];
}

/** What the words of a person find in their conversations. */
export function Search({
  words,
  onOpen,
}: {
  readonly words: string;
  /** Opens a chat, at a message. */
  readonly onOpen: (id: string, message?: string) => void;
}): ReactElement {
  const wanted = useDeferredValue(words.trim());
  const { data, error } = useQuery({
    queryKey: ["search", wanted],
    queryFn: ({ signal }) => call<Results>(withQuery("/api/claude-chat/search", { q: wanted }), { signal }),
    placeholderData: (before) => before,
  });
  const isEmpty = data?.sessions.length === 0 && data.messages.length === 0;
  return (
    <div className="found">
      <Trouble error={error} />
      <p role="status" className="quiet">
        {data !== undefined && (isEmpty ? "Nothing has all of these words." : counted(data))}
      </p>
      <ul>
        {data?.sessions.map((chat) => (
          <li key={chat.session_id}>
            <button type="button" className="title" onClick={() => onOpen(chat.session_id)}>
              {chat.title}
            </button>
          </li>
        ))}
        {data?.messages.map((message) => (
          <li key={message.message_id}>
            <Hit message={message} onOpen={onOpen} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Hit({
  message,
  onOpen,
}: {
  readonly message: FoundMessage;
  readonly onOpen: (id: string, message?: string) => void;
}): ReactElement {
  const { kind, session_id, message_id } = message;
  const text = (
    <>
      <span className="quiet">
        {message.title || placeOf(message)}, {minute(message.timestamp)}
      </span>
      <span>
        {message.excerpt.map(({ text, found }, place) =>
          // biome-ignore lint/suspicious/noArrayIndexKey: a piece of an excerpt has no other identity
          found ? <mark key={place}>{text}</mark> : text,
        )}
      </span>
    </>
  );
  if (kind === "") return <div className="hit">{text}</div>;
  if (kind === "claude_code") {
    return (
      <Link className="hit" href={pageOf(session_id, message_id)}>
        {text}
      </Link>
    );
  }
  return (
    <button type="button" className="hit" onClick={() => onOpen(session_id, message_id)}>
      {text}
    </button>
  );
}

/** Where an exchange was that belongs to no chat. */
function placeOf({ kind, project, channel }: FoundMessage): string {
  return kind === "claude_code" ? `Claude Code in ${project || "a scratch folder"}` : channel.toUpperCase();
}

function counted({ sessions, messages }: Results): string {
  const count = sessions.length + messages.length;
  return count === 1 ? "1 place" : `${count} places`;
}
