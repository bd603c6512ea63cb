/** What the daemon says has changed, so that pages read it again at once: a web socket, and a pure schedule. */

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";

/** The longest pause before the next attempt to connect, in milliseconds. */
const LONGEST_PAUSE_MS = 4_000;

/** A connection on which nothing comes for this long is given up, in milliseconds; the daemon speaks every 10 s. */
const SILENCE_MS = 25_000;

/** Least time between two reads of the same list, in milliseconds. */
const LEAST_MS = 150;

/** The daemon's code for a token or a session that is not valid any more. */
const NOT_VALID = 4001;

/** The code for "try again later" (RFC 6455's registry). */
const LATER = 1013;

const listeners = new Set<() => void>();
const readers = new Set<(frame: LiveFrame) => void>();
let isLive = false;
let open: WebSocket | null = null;

/** A frame of the daemon. */
export type LiveFrame = Readonly<Record<string, unknown>> & { readonly type: string };

/** Calls back for each frame that names no lists, until what it returns is called. */
export function onFrame(reader: (frame: LiveFrame) => void): () => void {
  readers.add(reader);
  return () => readers.delete(reader);
}

/** Sends a frame; without a connection it is lost, since what it says counts for a connection only. */
export function say(frame: LiveFrame): void {
  if (isLive && open?.readyState === WebSocket.OPEN) open.send(JSON.stringify(frame));
}

/** Whether changes are told at once; else pages ask by themselves. */
export function useIsLive(): boolean {
  return useSyncExternalStore(subscribe, () => isLive);
}

/** How often a list is read again, in milliseconds: seldom where changes are told. */
export function useEvery(ms: number): number {
  return useIsLive() ? Math.max(ms, 15_000) : ms;
}

/** Reads what has changed again, as long as somebody is signed in. */
export function useLive(user: string, token: string | undefined): void {
  const queries = useQueryClient();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another user is another connection
  useEffect(() => {
    const readAgain = oneAtATime((kind) => queries.invalidateQueries({ queryKey: [kind] }));
    const connection = new LiveConnection(
      token,
      (kinds) => kinds.forEach(readAgain),
      () => void queries.invalidateQueries(),
    );
    return () => connection.close();
  }, [queries, user, token]);
}

/**
 * Runs a work for each kind: at once, never twice at the same time, and once more where it was asked for meanwhile.
 *
 * What was read before a change may not show it, so an answer that was under way does not count.
 */
export function oneAtATime(work: (kind: string) => Promise<unknown>, leastMs = LEAST_MS): (kind: string) => void {
  const running = new Set<string>();
  const again = new Set<string>();
  const run = async (kind: string): Promise<void> => {
    running.add(kind);
    do {
      again.delete(kind);
      await Promise.all([work(kind).catch(() => undefined), pause(leastMs)]);
    } while (again.has(kind));
    running.delete(kind);
  };
  return (kind) => {
    if (running.has(kind)) again.add(kind);
    else void run(kind);
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A frame as it came; null = it is none. */
export function frameOf(text: string): LiveFrame | null {
  try {
    const frame: unknown = JSON.parse(text);
    return typeof (frame as LiveFrame | null)?.type === "string" ? (frame as LiveFrame) : null;
  } catch {
    return null;
  }
}

/** The kinds of lists that a frame names. */
export function kindsOf({ type, kinds }: LiveFrame): readonly string[] {
  return type === "changed" && Array.isArray(kinds) ? kinds.filter((kind) => typeof kind === "string") : [];
}

/**
 * The pause before an attempt, in milliseconds.
 *
 * @param failures those in a row.
 * @param code with which the daemon has closed the connection; 0 = it has not.
 */
export function pauseBefore(failures: number, code = 0): number {
  if (code === LATER) return LONGEST_PAUSE_MS;
  return Math.min(LONGEST_PAUSE_MS, 250 * 2 ** Math.min(failures, 10));
}

class LiveConnection {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private readonly retry = (): void => {
    if (this.socket === null && document.visibilityState === "visible") this.connect();
  };

  constructor(
    private readonly token: string | undefined,
    private readonly onChanged: (kinds: readonly string[]) => void,
    private readonly onReady: () => void,
  ) {
    window.addEventListener("online", this.retry);
    document.addEventListener("visibilitychange", this.retry);
    this.connect();
  }

  close(): void {
    window.removeEventListener("online", this.retry);
    document.removeEventListener("visibilitychange", this.retry);
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    set(false);
  }

  private connect(): void {
    clearTimeout(this.timer);
    const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/live`;
    const socket = this.token === undefined ? new WebSocket(url) : new WebSocket(url, ["bearer", this.token]);
    this.socket = socket;
    this.listenFor(socket);
    socket.onmessage = (event) => {
      this.listenFor(socket);
      const frame = frameOf(String(event.data));
      if (frame === null) return;
      if (frame.type !== "ready") {
        this.onChanged(kindsOf(frame));
        if (frame.type !== "changed") for (const reader of readers) reader(frame);
        return;
      }
      // What changed while nobody listened.
      this.onReady();
      this.failures = 0;
      open = socket;
      set(true);
    };
    socket.onclose = (event) => this.lost(socket, event.code);
  }

  private listenFor(socket: WebSocket): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      socket.close();
      this.lost(socket, 0);
    }, SILENCE_MS);
  }

  private lost(socket: WebSocket, code: number): void {
    if (this.socket !== socket) return;
    this.socket = null;
    set(false);
    clearTimeout(this.timer);
    this.failures += 1;
    if (code !== NOT_VALID) this.timer = setTimeout(() => this.connect(), pauseBefore(this.failures - 1, code));
  }
}

function set(next: boolean): void {
  if (!next) open = null;
  if (next === isLive) return;
  isLive = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
