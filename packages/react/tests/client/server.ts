/** A WebSocket without a network: it takes the place of the browser's, and the test plays the server. */

import { vi } from "vitest";
import type { Wire } from "../recorded.js";

export class FakeSocket {
  static opened: FakeSocket[] = [];

  readonly url: string;
  readonly protocols: readonly string[];
  readonly sent: unknown[] = [];
  closed = false;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor(url: string, protocols: readonly string[] = []) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.opened.push(this);
  }

  /** The connection that was opened last. */
  static get last(): FakeSocket {
    const socket = FakeSocket.opened.at(-1);
    if (socket === undefined) throw new Error("no connection was opened");
    return socket;
  }

  send(text: string): void {
    if (this.closed) throw new Error("the connection is closed");
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.closed = true;
  }

  // -- what the server does

  says(data: unknown): void {
    this.onmessage?.({ data: typeof data === "string" ? data : JSON.stringify(data) });
  }

  ends(code: number, reason = ""): void {
    this.closed = true;
    this.onclose?.({ code, reason });
  }
}

/** Installs the socket for one test; call it with fake timers on. */
export function installSocket(): void {
  FakeSocket.opened = [];
  vi.stubGlobal("WebSocket", FakeSocket);
}

/** Numbers what the server says. */
export class Server {
  #seq = 0;

  connect(socket: FakeSocket, sessionId = "s1", historyCount = 0): void {
    this.say(socket, { type: "connected", session_id: sessionId, history_count: historyCount });
  }

  say(socket: FakeSocket, ...wires: readonly Wire[]): void {
    for (const wire of wires) {
      this.#seq += 1;
      socket.says({ ...wire, seq: this.#seq });
    }
  }
}

/** A storage of the browser that lives for one test. */
export class MemoryShelf {
  readonly items = new Map<string, string>();
  /** How many characters fit in. */
  room = Number.POSITIVE_INFINITY;

  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    const others = [...this.items].filter(([name]) => name !== key).reduce((sum, [, text]) => sum + text.length, 0);
    if (others + value.length > this.room) throw new DOMException("full", "QuotaExceededError");
    this.items.set(key, value);
  }

  removeItem(key: string): void {
    this.items.delete(key);
  }
}
