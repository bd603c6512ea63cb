import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** How near to the end counts as at the end, in CSS pixels. */
const NEAR = 24;

const useBeforePaint = typeof window === "undefined" ? useEffect : useLayoutEffect;

export interface Following {
  readonly scroller: RefObject<HTMLElement | null>;
  /** Whether the view follows what comes. */
  readonly isFollowing: boolean;
  readonly toEnd: () => void;
  /** Follows no more, until the reader is at the end again. */
  readonly stay: () => void;
  readonly onScroll: () => void;
}

/**
 * Keeps a scrolled list at its end while its reader is there, and never moves it while the reader is elsewhere.
 *
 * An answer that is longer than the view stays with its top in sight.
 *
 * What is put before the first message moves nothing that is in sight.
 *
 * @param content changes when the list does.
 * @param first the element id of the first message: where another one is first, earlier ones have come.
 * @param answer the element id of the running answer; null = none.
 */
export function useFollowing(content: unknown, answer: string | null, first: string | null = null): Following {
  const scroller = useRef<HTMLElement | null>(null);
  const [isFollowing, setFollowing] = useState(true);
  const placed = useRef(0);
  const before = useRef<{ readonly first: string | null; readonly top: number }>({ first: null, top: 0 });

  const toEnd = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    element.scrollTop = element.scrollHeight;
    placed.current = element.scrollTop;
    setFollowing(true);
  }, []);

  useBeforePaint(() => {
    const element = scroller.current;
    if (element === null) return;
    const moved = topOf(before.current.first) - before.current.top;
    const isMoved = first !== before.current.first && moved > 0;
    before.current = { first, top: topOf(first) };
    if (!isFollowing) {
      if (isMoved) {
        element.scrollTop += moved;
        placed.current = element.scrollTop;
      }
      return;
    }
    const end = element.scrollHeight - element.clientHeight;
    const top = answer === null ? null : document.getElementById(answer);
    const wanted = top === null ? end : Math.min(end, top.offsetTop - element.offsetTop);
    // The view never goes back while it follows: the end of an answer may lie below its top.
    if (wanted > element.scrollTop) element.scrollTop = wanted;
    placed.current = element.scrollTop;
  }, [content, answer, first, isFollowing]);

  const onScroll = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    const isAtEnd = element.scrollHeight - element.clientHeight - element.scrollTop <= NEAR;
    if (isAtEnd) setFollowing(true);
    else if (Math.abs(element.scrollTop - placed.current) > 1) setFollowing(false);
  }, []);

  const stay = useCallback(() => setFollowing(false), []);

  return { scroller, isFollowing, toEnd, stay, onScroll };
}

/** Where an element begins, from the beginning of its list; not a number = there is no such element. */
function topOf(id: string | null): number {
  return (id === null ? null : document.getElementById(id))?.offsetTop ?? Number.NaN;
}
