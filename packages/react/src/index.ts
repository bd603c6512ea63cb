"use client";

export type { Decision, PresentUser, SendMode, Usage } from "./chat/frames.js";
export type {
  Artifact,
  ArtifactType,
  ChatFailure,
  ChatMessage,
  Confirmation,
  Connection,
  MessageStatus,
  Notice,
  ToolCall,
} from "./chat/state.js";
export { newId, type TokenPlace } from "./client/address.js";
export type { TokenSource } from "./client/client.js";
export type { StoredSession } from "./client/storage.js";
export { Announcer } from "./components/Announcer.js";
export { type ChatControl, ClaudeCodeChat, type ClaudeCodeChatProps } from "./components/ClaudeCodeChat.js";
export { isSendKey } from "./components/composing.js";
export { type Piece, piecesOf } from "./components/pieces.js";
export { WORDS, type Words } from "./components/words.js";
export { type Attached, type Attaching, useAttachments, withNames } from "./hooks/useAttachments.js";
export { useChatDraft } from "./hooks/useChatDraft.js";
export { type ChatSessions, useChatSessions } from "./hooks/useChatSessions.js";
export { type ClaudeChat, type ClaudeChatOptions, useClaudeChat } from "./hooks/useClaudeChat.js";
export { type Following, useFollowing } from "./hooks/useFollowing.js";
