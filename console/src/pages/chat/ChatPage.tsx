import {
  type Artifact,
  type Attached,
  type Attaching,
  type ChatControl,
  type ChatMessage,
  ClaudeCodeChat,
  newId,
  type ToolCall,
  useChatSessions,
} from "@xswarm/react";
import "@xswarm/react/styles.css";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, type ReactElement, type ReactNode, Suspense, useCallback, useMemo, useRef, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { call, withQuery } from "../../app/api.js";
import { ArtifactPanel } from "./ArtifactPanel.js";
import { ChatList } from "./ChatList.js";
import { examplesOf, useServers } from "./capabilities.js";
import { Markdown } from "./Markdown.js";

const Capabilities = lazy(() => import("./Capabilities.js"));
const ToolInput = lazy(() => import("./ToolInput.js"));

/** How many questions an empty conversation shows. */
const EXAMPLES = 6;

/** Where what is beside the chat would cover it; as in styles.css. */
const NARROW = "(max-width: 47.99rem)";

const ATTACHING: Attaching = {
  attach: (file) => {
    const path = withQuery(`/api/uploads/${newId()}`, { name: file.name || "file" });
    return call<Attached>(path, { method: "PUT", body: file });
  },
  detach: (attached) => call(`/api/uploads/${attached.id}`, { method: "DELETE" }),
};

/** Conversations, the one that is open, and the artifact beside it. */
export default function ChatPage({
  id,
  user,
  token,
}: {
  /** undefined = the conversation that was open last, or a new one. */
  readonly id: string | undefined;
  readonly user: string;
  /** undefined = the cookie says who it is. */
  readonly token: string | undefined;
}): ReactElement {
  const [, navigate] = useLocation();
  const message = new URLSearchParams(useSearch()).get("message");
  const queries = useQueryClient();
  const { currentId, create } = useChatSessions({ user });
  const [beside, setBeside] = useState<Artifact | "tools" | null>(null);
  const { data: servers } = useServers();
  const chat = useRef<ChatControl>(null);
  const examples = useMemo(() => examplesOf(servers ?? [], EXAMPLES), [servers]);
  const close = useCallback(() => setBeside(null), []);
  const shown = id ?? currentId ?? undefined;
  const open = useCallback(
    (chat: string, at?: string): void => {
      setBeside(null);
      navigate(withQuery(`/chat/${chat}`, { message: at }));
    },
    [navigate],
  );
  const onSession = useCallback((given: string) => navigate(`/chat/${given}`, { replace: true }), [navigate]);
  const onArtifact = useCallback(
    (made: Artifact) => {
      if (!matchMedia(NARROW).matches) setBeside(made);
      void queries.invalidateQueries({ queryKey: ["chats"] });
    },
    [queries],
  );
  const renderArtifact = useCallback(
    (made: Artifact): ReactNode => (
      <button type="button" className="made" onClick={() => setBeside(made)}>
        <span>
          Open <strong>{made.title}</strong>
        </span>
        <span className="quiet">{made.type}</span>
      </button>
    ),
    [],
  );
  return (
    <div className="chat-page">
      <h1 className="hidden">Chat</h1>
      <ChatList openId={shown} onOpen={open} onNew={() => open(create())} onTools={() => setBeside("tools")} />
      <ClaudeCodeChat
        sessionId={shown}
        token={token}
        user={user}
        renderText={inMarkdown}
        renderInput={inputOf}
        showMessage={message}
        control={chat}
        attaching={ATTACHING}
        examples={examples}
        onArtifact={onArtifact}
        renderArtifact={renderArtifact}
        onSession={onSession}
      />
      {beside === "tools" ? (
        <Suspense>
          <Capabilities
            onTry={(text) => {
              close(); // on a phone it covers the chat
              chat.current?.send(text);
            }}
            onClose={close}
          />
        </Suspense>
      ) : (
        beside !== null && <ArtifactPanel artifact={beside} onClose={close} />
      )}
    </div>
  );
}

function inputOf(call: ToolCall): ReactNode {
  return (
    <Suspense fallback={<p role="status">Loading</p>}>
      <ToolInput call={call} />
    </Suspense>
  );
}

/** Answers are Markdown; what a person wrote is shown as it was written. */
function inMarkdown(text: string, message: ChatMessage): ReactNode {
  return message.role === "assistant" ? <Markdown text={text} isRunning={message.status === "streaming"} /> : text;
}
