/** Times as people read them. */

import { useEffect, useState } from "react";

/** The time now in milliseconds UTC, renewed each second. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** The time until a moment as h:mm:ss or m:ss; a moment that has passed is 0:00. */
export function timeLeft(until: string, nowMs: number): string {
  const seconds = Math.max(0, Math.ceil((Date.parse(until) - nowMs) / 1_000));
  return duration(seconds);
}

/** A duration in whole seconds as h:mm:ss or m:ss. */
export function duration(seconds: number): string {
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, place) => (place === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}

/** An RFC 3339 time to the minute, in UTC. */
export function minute(time: string): string {
  return time.slice(0, 16).replace("T", " ");
}

/** An RFC 3339 time to the second, in UTC. */
export function second(time: string): string {
  return time.slice(0, 19).replace("T", " ");
}
