/** A whole conversation as a file. */

import { call, withQuery } from "../../app/api.js";
import { save } from "../../ui/save.js";
import { minute } from "../../ui/time.js";
import { type Chat, pathOf } from "./chats.js";

/** A message as the daemon tells it. */
export interface Recorded {
  readonly id: string;
  readonly role: "user" | "assistant";
  readonly content: string;
  /** RFC 3339 in UTC. */
  readonly timestamp: string;
  readonly interrupted: boolean;
  readonly tool_calls: readonly { readonly name: string }[];
}

interface Page {
  readonly messages: readonly Recorded[];
  readonly earlier: boolean;
}

/** Reads all messages of a chat, and gives them to the person as a file. */
export async function exportAs(format: "md" | "json", chat: Chat): Promise<void> {
  const messages = await allOf(chat.session_id);
  const name = `${chat.title.replace(/[^\p{L}\p{N} _-]+/gu, "").trim() || "conversation"}.${format}`;
  if (format === "md") save(name, "text/markdown", markdownOf(chat.title, messages));
  else save(name, "application/json", `${JSON.stringify({ ...chat, messages }, null, 2)}\n`);
}

async function allOf(id: string): Promise<readonly Recorded[]> {
  let messages: readonly Recorded[] = [];
  for (;;) {
    const before = messages[0]?.id;
    const page = await call<Page>(withQuery(`${pathOf(id)}/history`, { before }));
    messages = [...page.messages, ...messages];
    if (!page.earlier || page.messages.length === 0) return messages;
  }
}

/** A conversation as Markdown; times are in UTC. */
export function markdownOf(title: string, messages: readonly Recorded[]): string {
  const parts = messages.map((message) => {
    const who = message.role === "user" ? "You" : "Assistant";
    const tools = message.tool_calls.map((tool) => `\`${tool.name}\``).join(", ");
    return [
      `## ${who}, ${minute(message.timestamp)} UTC`,
      ...(tools === "" ? [] : [`Tools: ${tools}`]),
      message.content,
      ...(message.interrupted ? ["(stopped)"] : []),
    ].join("\n\n");
  });
  return `${[`# ${title || "Conversation"}`, ...parts].join("\n\n")}\n`;
}
