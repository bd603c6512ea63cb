/** One chat over a WebSocket that comes back by itself. */

import type { ClientFrame, Decision, SendMode } from "../chat/frames.js";
import { readFrame } from "../chat/frames.js";
import { type Input, step } from "../chat/reducer.js";
import type { Artifact, ChatState } from "../chat/state.js";
import { addressOf, newId, type TokenPlace } from "./address.js";
import { waitBefore } from "./backoff.js";
import { PageWatch } from "./pageWatch.js";
import type { ChatStorage } from "./storage.js";

/** A token, or how to get one: called for every connection, so a short-lived token can be renewed. */
export type TokenSource = string | (() => string | null | Promise<string | null>);

export interface ChatClientOptions {
  readonly sessionId: string;
  /** Where the chat is; undefined = this page's origin. */
  readonly url?: string | undefined;
  /** Asked for each connection; undefined = the browser's cookie says who it is. */
  readonly token: () => TokenSource | undefined;
  readonly tokenPlace: TokenPlace;
  readonly storage: ChatStorage;
  /** Called once for each artifact that comes while the page is open. */
  readonly onArtifact: (artifact: Artifact) => void;
  /** Called when the server gives another session than the one that was asked for. */
  readonly onSession: (sessionId: string) => void;
}

/** Pieces of an answer that come within this time are shown together, in milliseconds. */
const SHOWN_TOGETHER_MS = 40;

/** How often a session is kept while it changes, in milliseconds. */
const SAVED_EVERY_MS = 1_000;

/** A connection that has not begun by then is tried again, in milliseconds. */
const CONNECT_MS = 10_000;

/** How long the end of a replay is waited for, in milliseconds: a server that does not announce it. */
const REPLAY_MS = 2_000;

/** How often the others are told that this user writes, in milliseconds. */
const TYPING_MS = 3_000;

const BAD_TOKEN = 4001;

/** Closes that will not change by trying again. */
const FINAL: ReadonlyMap<number, string> = new Map([
  [1000, "The server closed the conversation"],
  [BAD_TOKEN, "Invalid token"],
  [4003, "Admin access required"],
]);

export class ChatClient {
  readonly #options: ChatClientOptions;
  readonly #listeners = new Set<() => void>();
  readonly #announced = new Set<string>();
  readonly #page = new PageWatch({
    left: () => this.#save(),
    seen: () => this.#state.connection === "reconnecting" && this.reconnect(),
    stale: () => this.#state.connection !== "refused" && this.reconnect(),
  });
  #state: ChatState;
  #shown: ChatState;
  #socket: WebSocket | null = null;
  #attempt = 0;
  #failures = 0;
  #tokenRenewed = false;
  #running = false;
  #typedAt = Number.NEGATIVE_INFINITY;
  #timers: { [T in "connect" | "replay" | "retry" | "save" | "show"]?: ReturnType<typeof setTimeout> } = {};

  constructor(options: ChatClientOptions) {
    this.#options = options;
    this.#state = options.storage.load(options.sessionId, now());
    this.#shown = this.#state;
    for (const artifact of artifactsOf(this.#state)) this.#announced.add(artifact.id);
  }

  /** What the page shows; it changes by listeners' calls only. */
  readonly getState = (): ChatState => this.#shown;

  /** Calls `listener` after each change; returns how to end that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Connects, and stays connected until `stop`. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#page.start();
    void this.#connect();
  }

  /** Disconnects. `start` may follow. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#page.stop();
    this.#leave();
    this.#clear("retry");
    this.#dispatch({ kind: "closed" });
    this.#save();
  }

  /** Connects at once, also where the server refused: the token may be another one now. */
  readonly reconnect = (): void => {
    if (!this.#running) return;
    this.#leave();
    this.#failures = 0;
    this.#dispatch({ kind: "lost" });
    void this.#connect();
  };

  readonly sendMessage = (content: string, mode: SendMode | null = null, attachments: readonly string[] = []): void =>
    this.#dispatch({ kind: "submit", id: newId(), content, mode, attachments, now: now() });

  readonly sendAgain = (id: string): void => this.#dispatch({ kind: "again", id });

  readonly discard = (id: string): void => this.#dispatch({ kind: "discard", id });

  /** Asks for the messages before the first one. */
  readonly showEarlier = (): void => this.#dispatch({ kind: "earlier" });

  readonly interrupt = (): void => this.#dispatch({ kind: "interrupt" });

  readonly confirm = (id: string, decision: Decision, note: string | null = null): void =>
    this.#dispatch({ kind: "confirm", id, decision, note });

  readonly edit = (id: string, content: string): void => this.#dispatch({ kind: "edit", id, content, now: now() });

  readonly dismiss = (notice: number | null = null): void => this.#dispatch({ kind: "dismiss", notice });

  /** Tells the others in the session that this user writes. */
  readonly typing = (): void => {
    if (this.#state.connection !== "open" || Date.now() - this.#typedAt < TYPING_MS) return;
    this.#typedAt = Date.now();
    this.#send([{ type: "typing" }]);
  };

  #dispatch(input: Input): void {
    const before = this.#state;
    const { state, send } = step(before, input);
    this.#state = state;
    this.#send(send);
    if (state === before) return;
    if (input.kind === "frame" && input.frame.type !== "token") this.#announce(input.frame.type === "history");
    this.#timers.save ??= setTimeout(() => this.#save(), SAVED_EVERY_MS);
    if (input.kind === "frame" && input.frame.type === "token") {
      this.#timers.show ??= setTimeout(() => this.#show(), SHOWN_TOGETHER_MS);
    } else {
      this.#show();
    }
    if (state.replay !== null && before.replay === null) {
      this.#timers.replay = setTimeout(() => this.#dispatch({ kind: "replay_late", now: now() }), REPLAY_MS);
    }
    if (state.replay === null) this.#clear("replay");
    if (state.sessionId !== before.sessionId) this.#options.onSession(state.sessionId);
  }

  #show(): void {
    this.#clear("show");
    if (this.#shown === this.#state) return;
    this.#shown = this.#state;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `onArtifact` for what is new; what a history brings was announced when it was made. */
  #announce(isHistory: boolean): void {
    for (const artifact of artifactsOf(this.#state)) {
      if (this.#announced.has(artifact.id)) continue;
      this.#announced.add(artifact.id);
      if (!isHistory) this.#options.onArtifact(artifact);
    }
  }

  #save(): void {
    this.#clear("save");
    this.#options.storage.save(this.#state, now());
  }

  #send(frames: readonly ClientFrame[]): void {
    for (const frame of frames) this.#socket?.send(JSON.stringify(frame));
  }

  async #connect(): Promise<void> {
    this.#clear("retry");
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#dispatch({ kind: "connecting" });
    let token: string | null;
    try {
      const source = this.#options.token();
      token = typeof source === "function" ? await source() : (source ?? null);
    } catch {
      if (attempt === this.#attempt && this.#running) this.#retryLater();
      return;
    }
    if (attempt === this.#attempt && this.#running) this.#open(token);
  }

  #open(token: string | null): void {
    const { url, tokenPlace } = this.#options;
    const address = addressOf(url, window.location.href, this.#state.sessionId, token, tokenPlace);
    const socket = new WebSocket(address.url, [...address.protocols]);
    this.#socket = socket;
    this.#timers.connect = setTimeout(() => this.#connectionLost(), CONNECT_MS);
    socket.onmessage = (event: MessageEvent) => this.#received(event.data);
    socket.onclose = (event: CloseEvent) => this.#closed(event.code, event.reason);
  }

  #received(data: unknown): void {
    const frame = typeof data === "string" ? readFrame(data) : null;
    if (frame === null) return;
    if (frame.type === "connected") {
      this.#clear("connect");
      this.#failures = 0;
      this.#tokenRenewed = false;
    }
    this.#dispatch({ kind: "frame", frame, now: now() });
  }

  #closed(code: number, reason: string): void {
    const words = FINAL.get(code);
    if (words === undefined) {
      this.#connectionLost();
      return;
    }
    this.#leave();
    if (code === BAD_TOKEN && typeof this.#options.token() === "function" && !this.#tokenRenewed) {
      this.#tokenRenewed = true; // it may have expired: a new one is tried once
      this.#dispatch({ kind: "lost" });
      void this.#connect();
      return;
    }
    const failure = { message: reason || words, code: `closed_${code}`, retryAfter: null };
    this.#dispatch({ kind: "refused", failure });
  }

  #connectionLost(): void {
    this.#leave();
    this.#retryLater();
  }

  #retryLater(): void {
    this.#dispatch({ kind: "lost" });
    const wait = waitBefore(this.#failures, Math.random());
    this.#failures += 1;
    this.#timers.retry = setTimeout(() => void this.#connect(), wait);
  }

  /** Lets go of the socket; what it still brings is not heard. */
  #leave(): void {
    this.#attempt += 1;
    this.#clear("connect");
    this.#clear("replay");
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
  }

  #clear(name: "connect" | "replay" | "retry" | "save" | "show"): void {
    clearTimeout(this.#timers[name]);
    delete this.#timers[name];
  }
}

function* artifactsOf(state: ChatState): Iterable<Artifact> {
  for (const message of state.messages) yield* message.artifacts;
}

function now(): string {
  return new Date().toISOString();
}
