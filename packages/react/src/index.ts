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
export type { TokenPlace } from "./client/address.js";
export type { TokenSource } from "./client/client.js";
export type { StoredSession } from "./client/storage.js";
export { ClaudeCodeChat, type ClaudeCodeChatProps } from "./components/ClaudeCodeChat.js";
export { WORDS, type Words } from "./components/words.js";
export { type ChatSessions, useChatSessions } from "./hooks/useChatSessions.js";
export { type ClaudeChat, type ClaudeChatOptions, useClaudeChat } from "./hooks/useClaudeChat.js";
