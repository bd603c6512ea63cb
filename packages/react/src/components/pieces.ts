/** The parts of an answer in the order they were made: text, tool call, text, ... */

import type { ChatMessage, ToolCall } from "../chat/state.js";

export type Piece =
  | { readonly kind: "text"; readonly key: string; readonly text: string }
  | { readonly kind: "call"; readonly key: string; readonly call: ToolCall };

export function piecesOf(message: ChatMessage): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  const addText = (until: number): void => {
    const text = message.content.slice(from, until);
    if (text !== "") pieces.push({ kind: "text", key: `text:${from}`, text });
    from = Math.max(from, until);
  };
  for (const call of message.toolCalls) {
    addText(call.offset);
    pieces.push({ kind: "call", key: `call:${call.id}`, call });
  }
  addText(message.content.length);
  return pieces;
}

/** A value as people can read it; a text is shown as it is. */
export function readable(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "");
}
