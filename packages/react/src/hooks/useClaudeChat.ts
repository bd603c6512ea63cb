"use client";

import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { isEditable, mayEditNow } from "../chat/commands.js";
import type { Decision, PresentUser, SendMode } from "../chat/frames.js";
import {
  type Artifact,
  type ChatFailure,
  type ChatMessage,
  type Confirmation,
  type Connection,
  isEmpty,
  isStreaming,
  type Notice,
  newState,
} from "../chat/state.js";
import { newId, type TokenPlace } from "../client/address.js";
import { ChatClient, type TokenSource } from "../client/client.js";
import type { Shelf } from "../client/storage.js";
import { useChatStorage } from "./useChatStorage.js";

export interface ClaudeChatOptions {
  /** Where the chat is: a URL, or a path of this origin. Default: `/api/claude-chat/ws` of this origin. */
  readonly url?: string | undefined;
  /** A JWT, or a function that gets one for each connection. Default: the browser's cookie says who it is. */
  readonly token?: TokenSource | undefined;
  /** Where the token goes. Default: `"protocol"`, which no log writes down. */
  readonly tokenPlace?: TokenPlace | undefined;
  /** Whose conversations these are, so that two people of one browser do not see each other's. */
  readonly user?: string | undefined;
  /** Where sessions and drafts are kept. Default: localStorage; null = nowhere. */
  readonly storage?: Shelf | null | undefined;
  /** Called once for each artifact that comes while the page is open. */
  readonly onArtifact?: ((artifact: Artifact) => void) | undefined;
  /** Called when the server gives another session than the one that was asked for. */
  readonly onSession?: ((sessionId: string) => void) | undefined;
}

export interface ClaudeChat {
  readonly sessionId: string;
  readonly title: string | null;
  readonly messages: readonly ChatMessage[];
  /** Whether nothing was said in it, as far as the server has told; false = it was, or it is not known yet. */
  readonly isEmpty: boolean;
  /** Whether the server has messages before the first one; `showEarlier` brings a page of them. */
  readonly hasEarlier: boolean;
  readonly showEarlier: () => void;
  /** Whether an answer runs or is awaited. */
  readonly isStreaming: boolean;
  /** Whether the running answer was asked to stop. */
  readonly isStopping: boolean;
  /** What went wrong last, in words; null = nothing, or it was dismissed. */
  readonly error: string | null;
  readonly failure: ChatFailure | null;
  readonly connection: Connection;
  /** All artifacts of the conversation, oldest first. */
  readonly artifacts: readonly Artifact[];
  /** Tool calls that wait for a decision. */
  readonly confirmations: readonly Confirmation[];
  /** Who has the session open. */
  readonly presence: readonly PresentUser[];
  readonly notices: readonly Notice[];
  /** Sends a message, with the ids of files that the server has; without a connection, as soon as there is one. */
  readonly sendMessage: (content: string, mode?: SendMode | null, attachments?: readonly string[]) => void;
  /** Stops the running answer. */
  readonly interrupt: () => void;
  readonly confirm: (id: string, decision: Decision, note?: string | null) => void;
  /** Replaces a message, and asks again from there. `id` is that of the `ChatMessage`. */
  readonly edit: (id: string, content: string) => void;
  readonly canEdit: (message: ChatMessage) => boolean;
  /** Sends a message again that the server has not taken, or takes it off the page. */
  readonly sendAgain: (id: string) => void;
  readonly discard: (id: string) => void;
  /** Takes a notice off the page; without an id, the error. */
  readonly dismiss: (notice?: number | null) => void;
  /** Tells the others that this user writes. */
  readonly typing: () => void;
  /** Connects at once. */
  readonly reconnect: () => void;
}

/**
 * One chat with the assistant.
 *
 * @param sessionId the conversation; undefined = the one that was open last in this browser, or a new one.
 */
export function useClaudeChat(sessionId?: string, options: ClaudeChatOptions = {}): ClaudeChat {
  const storage = useChatStorage(options);
  const own = useMemo(() => storage.current() ?? newId(), [storage]);
  const wanted = sessionId ?? own;
  const { url, tokenPlace = "protocol" } = options;
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });

  // Where the server gave another session and the parent has followed, the client stays: it has that session.
  const [given, setGiven] = useState<{ readonly asked: string; readonly got: string } | null>(null);
  const asked = given !== null && given.got === wanted ? given.asked : wanted;
  const client = useMemo(
    () =>
      new ChatClient({
        sessionId: asked,
        url,
        token: () => latest.current.token,
        tokenPlace,
        storage,
        onArtifact: (artifact) => latest.current.onArtifact?.(artifact),
        onSession: (got) => {
          setGiven({ asked, got });
          latest.current.onSession?.(got);
        },
      }),
    [asked, url, tokenPlace, storage],
  );

  const empty = useMemo(() => newState(asked), [asked]);
  const state = useSyncExternalStore(client.subscribe, client.getState, () => empty);
  useEffect(() => {
    client.start();
    return () => client.stop();
  }, [client]);

  const token = typeof options.token === "string" ? options.token : null;
  const usedToken = useRef(token);
  useEffect(() => {
    if (usedToken.current === token) return;
    usedToken.current = token;
    client.reconnect();
  }, [client, token]);

  useEffect(() => storage.setCurrent(state.sessionId), [storage, state.sessionId]);

  const mayEdit = mayEditNow(state);
  return useMemo(
    () => ({
      sessionId: state.sessionId,
      title: state.title,
      messages: state.messages,
      isEmpty: isEmpty(state),
      hasEarlier: state.earlier !== "none",
      showEarlier: client.showEarlier,
      isStreaming: isStreaming(state),
      isStopping: state.stopping,
      error: state.failure?.message ?? null,
      failure: state.failure,
      connection: state.connection,
      artifacts: state.messages.flatMap((message) => message.artifacts),
      confirmations: state.confirmations,
      presence: state.presence,
      notices: state.notices,
      sendMessage: client.sendMessage,
      interrupt: client.interrupt,
      confirm: client.confirm,
      edit: client.edit,
      canEdit: (message: ChatMessage) => mayEdit && isEditable(message),
      sendAgain: client.sendAgain,
      discard: client.discard,
      dismiss: client.dismiss,
      typing: client.typing,
      reconnect: client.reconnect,
    }),
    [client, state, mayEdit],
  );
}
