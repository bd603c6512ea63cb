import type { ReactElement } from "react";
import type { ClaudeChat } from "../hooks/useClaudeChat.js";
import type { Words } from "./words.js";

/** What is true beside the messages: the connection, who writes, notices, the last error. */
export function Notices({
  chat,
  user,
  words,
}: {
  readonly chat: ClaudeChat;
  /** Who reads this; undefined = not known. */
  readonly user: string | undefined;
  readonly words: Words;
}): ReactElement {
  const writers = chat.presence.filter((user) => user.state === "writing").map((user) => user.id);
  const viewers = chat.presence.filter((one) => one.state === "viewing" && one.id !== user).map((one) => one.id);
  return (
    <div className="xswarm-notices">
      {chat.connection === "connecting" && <p>{words.connecting}</p>}
      {(chat.connection === "reconnecting" || chat.connection === "refused") && (
        <p role="status">
          {chat.connection === "reconnecting" ? words.reconnecting : null}
          <button type="button" onClick={chat.reconnect}>
            {words.tryNow}
          </button>
        </p>
      )}
      {viewers.length > 0 && user !== undefined && (
        <p className="xswarm-present">
          {words.alsoHere} {viewers.join(", ")}
        </p>
      )}
      {writers.length > 0 && (
        <p>
          {writers.join(", ")} {words.writing}
        </p>
      )}
      {chat.notices.map((notice) => (
        <p key={notice.id} role="status">
          {notice.message}
          <button type="button" onClick={() => chat.dismiss(notice.id)}>
            {words.dismiss}
          </button>
        </p>
      ))}
      {chat.error !== null && (
        <p role="alert" className="xswarm-error">
          {chat.error}
          <button type="button" onClick={() => chat.dismiss()}>
            {words.dismiss}
          </button>
        </p>
      )}
    </div>
  );
}
