import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactElement, useState } from "react";
import { call, withQuery } from "../../app/api.js";
import { Trouble } from "../../ui/Trouble.js";
import { type Chat, type ChatPage, PATH, pathOf } from "./chats.js";
import { exportAs } from "./exporting.js";
import { Search } from "./Search.js";

/** How often the list is read again, in milliseconds: a chat may be written in elsewhere. */
const EVERY_MS = 5_000;

/** How many conversations are listed at first, and with each step. */
const PAGE = 50;

export interface ChatListProps {
  readonly openId: string | undefined;
  /** Opens a chat, at a message. */
  readonly onOpen: (id: string, message?: string) => void;
  readonly onNew: () => void;
  /** Shows what the assistant can do. */
  readonly onTools: () => void;
}

/** The conversations of the person, newest first. */
export function ChatList({ openId, onOpen, onNew, onTools }: ChatListProps): ReactElement {
  const { data, error, hasNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ["chats"],
    queryFn: ({ signal, pageParam }) => call<ChatPage>(withQuery(PATH, { limit: PAGE, cursor: pageParam }), { signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: EVERY_MS,
  });
  const chats = data?.pages.flatMap((page) => page.sessions) ?? [];
  const [words, setWords] = useState("");
  return (
    <nav className="chats" aria-label="Conversations">
      <button type="button" className="main" aria-keyshortcuts="n" onClick={onNew}>
        New conversation
      </button>
      <button type="button" className="second" aria-keyshortcuts="t" onClick={onTools}>
        Tools
      </button>
      <input
        type="search"
        aria-label="Search in all conversations"
        aria-keyshortcuts="/"
        placeholder="Search"
        value={words}
        maxLength={200}
        onChange={(event) => setWords(event.target.value)}
      />
      {words.trim() !== "" && <Search words={words} onOpen={onOpen} />}
      <Trouble error={error} />
      {data !== undefined && chats.length === 0 && (
        <p className="quiet">Nothing was said yet. What you ask here is kept, and listed in this place.</p>
      )}
      <details className="fold" open={matchMedia("(min-width: 48rem)").matches}>
        <summary>Conversations</summary>
        <ul>
          {chats.map((chat) => (
            <Row
              key={chat.session_id}
              chat={chat}
              isOpen={chat.session_id === openId}
              onOpen={() => onOpen(chat.session_id)}
              onDeleted={onNew}
            />
          ))}
        </ul>
        {hasNextPage && (
          <button type="button" onClick={() => void fetchNextPage()}>
            Older conversations
          </button>
        )}
      </details>
    </nav>
  );
}

function Row({
  chat,
  isOpen,
  onOpen,
  onDeleted,
}: {
  readonly chat: Chat;
  readonly isOpen: boolean;
  readonly onOpen: () => void;
  readonly onDeleted: () => void;
}): ReactElement {
  const [doing, setDoing] = useState<"rename" | "delete" | null>(null);
  const queries = useQueryClient();
  const title = chat.title || "Untitled";
  const path = pathOf(chat.session_id);
  const after = async (): Promise<void> => {
    setDoing(null);
    await queries.invalidateQueries({ queryKey: ["chats"] });
  };
  const rename = useMutation({
    mutationFn: (name: string) => call(path, { method: "PATCH", body: { title: name } }),
    onSuccess: after,
  });
  const remove = useMutation({
    mutationFn: () => call(path, { method: "DELETE" }),
    onSuccess: async () => {
      if (isOpen) onDeleted();
      await after();
    },
  });
  const save = useMutation({ mutationFn: (format: "md" | "json") => exportAs(format, chat) });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("title") ?? "").trim();
    if (name !== "") rename.mutate(name);
  };
  return (
    <li aria-current={isOpen ? "true" : undefined}>
      {doing === "rename" ? (
        <form onSubmit={submit}>
          <input name="title" aria-label="Title" defaultValue={title} maxLength={200} required />
          <button type="submit">Save</button>
          <button type="button" onClick={() => setDoing(null)}>
            Cancel
          </button>
        </form>
      ) : (
        <>
          <button type="button" className="title" onClick={onOpen} title={title}>
            {title}
          </button>
          {isOpen && doing === null && (
            <span className="small">
              <button type="button" onClick={() => setDoing("rename")}>
                Rename
              </button>
              <button type="button" onClick={() => setDoing("delete")}>
                Delete
              </button>
              <button type="button" onClick={() => save.mutate("md")}>
                Save as Markdown
              </button>
              <button type="button" onClick={() => save.mutate("json")}>
                Save as JSON
              </button>
            </span>
          )}
        </>
      )}
      {doing === "delete" && (
        <span className="small">
          Delete it for good?
          <button type="button" onClick={() => remove.mutate()}>
            Yes, delete
          </button>
          <button type="button" onClick={() => setDoing(null)}>
            Keep
          </button>
        </span>
      )}
      <Trouble error={rename.error ?? remove.error ?? save.error} />
    </li>
  );
}
