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

/** Characters that show nothing, or that turn the direction of what stands behind them. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Zs}\p{DI}\u2800]/gu;

/** A text for a person who decides about it: what does not show is escaped, but blanks and line ends. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (hidden) => {
    if (hidden === " " || hidden === "\n") return hidden;
    const code = (hidden.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}

/** A value as people can read it; a text is shown as it is. */
export function readable(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "");
}
