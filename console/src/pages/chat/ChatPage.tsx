import { type Artifact, ClaudeCodeChat, useChatSessions } from "@xswarm/react";
import "@xswarm/react/styles.css";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactElement, useCallback, useState } from "react";
import { useLocation } from "wouter";
import type { Token } from "../../app/token.js";
import { ArtifactPanel } from "./ArtifactPanel.js";
import { ChatList } from "./ChatList.js";
import { Markdown } from "./Markdown.js";

/** Conversations, the one that is open, and the artifact beside it. */
export default function ChatPage({
  id,
  token,
}: {
  /** undefined = the conversation that was open last, or a new one. */
  readonly id: string | undefined;
  readonly token: Token;
}): ReactElement {
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  const { currentId, create } = useChatSessions({ user: token.user });
  const [artifact, setArtifact] = useState<Artifact | null>(null);
  const shown = id ?? currentId ?? undefined;
  const open = useCallback(
    (chat: string): void => {
      setArtifact(null);
      navigate(`/chat/${chat}`);
    },
    [navigate],
  );
  const onSession = useCallback((given: string) => navigate(`/chat/${given}`, { replace: true }), [navigate]);
  const onArtifact = useCallback(
    (made: Artifact) => {
      setArtifact(made);
      void queries.invalidateQueries({ queryKey: ["chats"] });
    },
    [queries],
  );
  return (
    <div className="chat-page">
      <h1 className="hidden">Chat</h1>
      <ChatList openId={shown} onOpen={open} onNew={() => open(create())} />
      <ClaudeCodeChat
        sessionId={shown}
        token={token.text}
        user={token.user}
        renderText={inMarkdown}
        onArtifact={onArtifact}
        onSession={onSession}
      />
      {artifact !== null && <ArtifactPanel artifact={artifact} onClose={() => setArtifact(null)} />}
    </div>
  );
}

function inMarkdown(text: string): ReactElement {
  return <Markdown text={text} />;
}
