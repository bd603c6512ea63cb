/** A page and a server in one process: frames as they were recorded from a chat, numbered, kept and replayed. */

import { type ClientFrame, type FrameOf, readFrame, type ServerFrame } from "../src/chat/frames.js";
import { type Input, step } from "../src/chat/reducer.js";
import { type ChatMessage, type ChatState, isStreaming, newState } from "../src/chat/state.js";

export const NOW = "2026-11-30T08:00:00.000Z";

export type Wire = { readonly type: string; readonly [field: string]: unknown };

export const token = (content: string): Wire => ({ type: "token", content });

export const complete = (...messageIds: string[]): Wire => ({
  type: "complete",
  usage: { input_tokens: 12, output_tokens: 34 },
  cost_usd: 0.01,
  message_ids: messageIds,
});

export const interrupted = (messageId: string, partial = true): Wire => ({
  type: "interrupted",
  message: "Generation stopped by user",
  partial_response: partial,
  message_id: messageId,
});

export const failed = (messageId: string): Wire => ({
  type: "error",
  message: "Claude Code failed: the model is overloaded",
  code: "turn_failed",
  message_id: messageId,
});

/** A whole answer as a server sends it, with a tool and an artifact; without its end. */
export const ANSWER: readonly Wire[] = [
  token("Let me "),
  token("look. "),
  { type: "tool_call_start", name: "residency__detect_conflicts", id: "t1" },
  {
    type: "tool_call",
    name: "residency__detect_conflicts",
    id: "t1",
    input: { start_date: "2026-12-01", end_date: "2026-12-31" },
  },
  { type: "tool_result", id: "t1", result: { tool_name: "residency__detect_conflicts", result: "2 conflicts" } },
  { type: "artifact", id: "a1", kind: "analysis", title: "Conflicts", data: { conflicts: [1, 2] } },
  token("There are "),
  token("two."),
];

export const ANSWER_TEXT = "Let me look. There are two.";

/** Numbers frames as the server does, and keeps those that it can replay. */
export class FrameSource {
  readonly log: ServerFrame[] = [];
  #seq: number;

  constructor(first = 1) {
    this.#seq = first - 1;
  }

  get last(): number {
    return this.#seq;
  }

  /** Makes a frame that can be replayed. */
  keep(wire: Wire): ServerFrame {
    const frame = this.pass(wire);
    this.log.push(frame);
    return frame;
  }

  /** Makes a frame for one connection. */
  pass(wire: Wire): ServerFrame {
    this.#seq += 1;
    const frame = readFrame(JSON.stringify({ ...wire, seq: this.#seq }));
    if (frame === null) throw new Error(`no frame: ${JSON.stringify(wire)}`);
    return frame;
  }

  /** Makes the first frame of a connection: it has the number of the last frame before it. */
  connected(sessionId = "s1", historyCount = 0): FrameOf<"connected"> {
    return { type: "connected", sessionId, historyCount, title: null, seq: this.#seq };
  }

  after(seq: number): ServerFrame[] {
    return this.log.filter((frame) => frame.seq !== null && frame.seq > seq);
  }
}

/** Keeps a state, and what it sent. */
export class Page {
  state: ChatState;
  sent: ClientFrame[] = [];

  constructor(state: ChatState = newState("s1")) {
    this.state = state;
  }

  do(input: Input): ClientFrame[] {
    const { state, send } = step(this.state, input);
    this.state = state;
    this.sent.push(...send);
    return [...send];
  }

  take(...frames: readonly ServerFrame[]): ClientFrame[] {
    return frames.flatMap((frame) => this.do({ kind: "frame", frame, now: NOW }));
  }

  submit(id: string, content: string): ClientFrame[] {
    return this.do({ kind: "submit", id, content, mode: null, now: NOW });
  }

  get streaming(): boolean {
    return isStreaming(this.state);
  }

  /** The messages as one line each. */
  get lines(): string[] {
    return this.state.messages.map((message) => `${message.role} ${message.status}: ${message.content}`);
  }

  get answers(): ChatMessage[] {
    return this.state.messages.filter((message) => message.role === "assistant");
  }
}

/** A page with an open connection. */
export function connectedPage(source: FrameSource, historyCount = 0): Page {
  const page = new Page();
  page.do({ kind: "connecting" });
  page.take(source.connected("s1", historyCount));
  return page;
}
