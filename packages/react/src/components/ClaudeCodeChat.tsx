"use client";

import {
  type KeyboardEvent,
  type ReactElement,
  type ReactNode,
  type Ref,
  useCallback,
  useEffect,
  useId,
  useImperativeHandle,
  useMemo,
} from "react";
import type { Artifact, ChatMessage, ToolCall } from "../chat/state.js";
import { type Attaching, withNames } from "../hooks/useAttachments.js";
import { useChatDraft } from "../hooks/useChatDraft.js";
import { type ClaudeChatOptions, useClaudeChat } from "../hooks/useClaudeChat.js";

import { useEarlier } from "../hooks/useEarlier.js";
import { useFollowing } from "../hooks/useFollowing.js";
import { Announcer } from "./Announcer.js";
import { Composer } from "./Composer.js";
import { Confirmations } from "./Confirmations.js";
import { type MessageActions, MessageView } from "./MessageView.js";
import { Notices } from "./Notices.js";
import { readable } from "./pieces.js";
import { WORDS, type Words } from "./words.js";

/** What a page around the chat can do with it. */
export interface ChatControl {
  /** Sends a message as if the person had written it. */
  readonly send: (content: string) => void;
}

export interface ClaudeCodeChatProps extends ClaudeChatOptions {
  /** The conversation; undefined = the one that was open last in this browser, or a new one. */
  readonly sessionId?: string | undefined;
  /** Called for each artifact that comes, and when a person opens one. Without it, artifacts are shown in the chat. */
  readonly onArtifact?: ((artifact: Artifact) => void) | undefined;
  /** Turns text into elements, e.g. by a Markdown renderer. Default: the text as it is. */
  readonly renderText?: ((text: string, message: ChatMessage) => ReactNode) | undefined;
  /** Shows what a tool was called with, e.g. an edit as a diff. Default: its input as JSON. */
  readonly renderInput?: ((call: ToolCall) => ReactNode) | undefined;
  /** Shows an artifact in the chat. */
  readonly renderArtifact?: ((artifact: Artifact) => ReactNode) | undefined;
  /** The server's id of a message to show; null = the newest ones. */
  readonly showMessage?: string | null | undefined;
  /** Gets what a page around the chat can do with it. */
  readonly control?: Ref<ChatControl> | undefined;
  /** How files come to the server; undefined = messages carry none. */
  readonly attaching?: Attaching | undefined;
  /** Questions to begin with; one click asks. */
  readonly examples?: readonly string[] | undefined;
  /** Texts in other words, or in another language. */
  readonly words?: Partial<Words> | undefined;
  readonly className?: string | undefined;
}

/** A chat with the assistant: messages, tools, questions, and where to write. Style it by `@xswarm/react/styles.css`. */
export function ClaudeCodeChat(props: ClaudeCodeChatProps): ReactElement {
  const { sessionId, onArtifact, renderText = plain, renderArtifact, examples = [], className = "" } = props;
  const chat = useClaudeChat(sessionId, props);
  const words = useMemo<Words>(() => ({ ...WORDS, ...props.words }), [props.words]);
  const [draft, setDraft] = useChatDraft(chat.sessionId, props);
  const prefix = useId();
  const newest = chat.messages.at(-1);
  const answer = newest?.role === "assistant" ? `${prefix}${newest.id}` : null;
  const { showMessage = null } = props;
  const { shown, hasMore, showMore, sentinel } = useEarlier(
    chat.messages,
    chat.hasEarlier,
    chat.showEarlier,
    showMessage,
  );
  const first = shown[0] === undefined ? null : `${prefix}${shown[0].id}`;
  const { scroller, isFollowing, toEnd, stay, onScroll } = useFollowing(shown, answer, first);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another conversation is read from its end
  useEffect(() => toEnd(), [chat.sessionId, toEnd]);
  const wanted = showMessage === null ? undefined : shown.find((message) => message.serverId === showMessage);
  const wantedId = wanted === undefined ? null : `${prefix}${wanted.id}`;
  useEffect(() => {
    if (wantedId === null) return;
    stay();
    document.getElementById(wantedId)?.scrollIntoView({ block: "start" });
  }, [wantedId, stay]);

  const { edit, sendAgain, discard, typing } = chat;
  const actions = useMemo<MessageActions>(() => ({ edit, sendAgain, discard }), [edit, sendAgain, discard]);
  const showArtifact = useCallback(
    (artifact: Artifact): ReactNode => {
      if (renderArtifact !== undefined) return renderArtifact(artifact);
      return onArtifact === undefined ? inPlace(artifact) : asButton(artifact, onArtifact, words);
    },
    [renderArtifact, onArtifact, words],
  );
  const write = (text: string): void => {
    setDraft(text);
    if (text !== "") typing();
  };
  const send: Parameters<typeof Composer>[0]["onSend"] = (text, mode, files) => {
    const ids = files.map((file) => file.id);
    chat.sendMessage(withNames(text, files), mode, ids);
    setDraft("");
    toEnd();
  };
  useImperativeHandle(props.control, () => ({ send: chat.sendMessage }), [chat.sendMessage]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && !event.nativeEvent.isComposing && chat.isStreaming) chat.interrupt();
  };

  return (
    <section className={`xswarm-chat ${className}`.trim()} aria-label={words.conversation} onKeyDown={onKeyDown}>
      <section ref={scroller} className="xswarm-scroller" aria-label={words.messages} tabIndex={0} onScroll={onScroll}>
        {chat.isEmpty && <Examples examples={examples} words={words} onTry={(text) => send(text, null, [])} />}
        {hasMore && (
          <button ref={sentinel} type="button" className="xswarm-quiet xswarm-earlier" onClick={showMore}>
            {words.earlier}
          </button>
        )}
        <ol className="xswarm-messages">
          {shown.map((message) => (
            <MessageView
              key={message.id}
              isWanted={message === wanted}
              element={`${prefix}${message.id}`}
              message={message}
              canEdit={chat.canEdit(message)}
              actions={actions}
              words={words}
              renderText={renderText}
              renderArtifact={showArtifact}
              renderInput={props.renderInput}
            />
          ))}
        </ol>
      </section>
      {!isFollowing && (
        <button type="button" className="xswarm-to-end" onClick={toEnd}>
          {words.toEnd}
        </button>
      )}
      <Confirmations confirmations={chat.confirmations} onDecide={chat.confirm} words={words} />
      <Notices chat={chat} user={props.user} words={words} />
      <Composer
        draft={draft}
        onDraft={write}
        onSend={send}
        attaching={props.attaching}
        onStop={chat.interrupt}
        isStreaming={chat.isStreaming}
        isStopping={chat.isStopping}
        words={words}
      />
      <Announcer messages={chat.messages} confirmations={chat.confirmations} words={words} />
    </section>
  );
}

function Examples({
  examples,
  words,
  onTry,
}: {
  readonly examples: readonly string[];
  readonly words: Words;
  readonly onTry: (text: string) => void;
}): ReactElement | null {
  if (examples.length === 0) return null;
  return (
    <div className="xswarm-examples">
      <p>{words.tryOne}</p>
      {examples.map((example) => (
        <button type="button" key={example} onClick={() => onTry(example)}>
          {example}
        </button>
      ))}
    </div>
  );
}

function plain(text: string): ReactNode {
  return text;
}

function inPlace(artifact: Artifact): ReactElement {
  return (
    <details>
      <summary>{artifact.title}</summary>
      <pre>{readable(artifact.data)}</pre>
    </details>
  );
}

function asButton(artifact: Artifact, open: (artifact: Artifact) => void, words: Words): ReactElement {
  return (
    <button type="button" onClick={() => open(artifact)}>
      {words.open} {artifact.title}
    </button>
  );
}
