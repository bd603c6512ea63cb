/** Tells when a page is left, and when it comes back: from another tab, from sleep, from a network that was away. */

export interface PageEvents {
  /** The page is left, or out of sight: it may never run again. */
  readonly left: () => void;
  /** The page is in sight again. */
  readonly seen: () => void;
  /** A connection may have been lost without a sign. */
  readonly stale: () => void;
}

/** A page that was out of sight for this long, in milliseconds, may have slept. */
const STALE_MS = 30_000;

export class PageWatch {
  readonly #events: PageEvents;
  #hiddenAt: number | null = null;

  constructor(events: PageEvents) {
    this.#events = events;
  }

  start(): void {
    window.addEventListener("online", this.#events.stale);
    window.addEventListener("pagehide", this.#events.left);
    window.addEventListener("pageshow", this.#shown);
    document.addEventListener("visibilitychange", this.#visibilityChanged);
  }

  stop(): void {
    window.removeEventListener("online", this.#events.stale);
    window.removeEventListener("pagehide", this.#events.left);
    window.removeEventListener("pageshow", this.#shown);
    document.removeEventListener("visibilitychange", this.#visibilityChanged);
  }

  /** A page from the browser's cache has no connection any more. */
  readonly #shown = (event: PageTransitionEvent): void => {
    if (event.persisted) this.#events.stale();
  };

  readonly #visibilityChanged = (): void => {
    if (document.visibilityState === "hidden") {
      this.#hiddenAt = Date.now();
      this.#events.left();
      return;
    }
    const wasHiddenFor = this.#hiddenAt === null ? 0 : Date.now() - this.#hiddenAt;
    this.#hiddenAt = null;
    if (wasHiddenFor > STALE_MS) this.#events.stale();
    else this.#events.seen();
  };
}
