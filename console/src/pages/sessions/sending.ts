/** Messages on their way to Claude Code: each is sent until it is known whether it was accepted. */

import { useMutation, useMutationState, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { call, Refused } from "../../app/api.js";
import { signedIn } from "../../app/session.js";
import { pathOf } from "./sessions.js";

/** How often a message is sent before a person is asked. */
const ATTEMPTS = 8;

/** The longest pause between two attempts, in milliseconds. */
const LONGEST_PAUSE_MS = 15_000;

/** Codes of 503 that are given before a message is accepted. */
const NOT_ACCEPTED: readonly string[] = ["overloaded", "unavailable"];

export interface Outgoing {
  readonly text: string;
  /** Names the message to the daemon, which accepts it once, however often it is sent. */
  readonly key: string;
}

export interface Waiting extends Outgoing {
  /** Why its last attempt failed; null = none did, it waits for the one before it. */
  readonly error: Error | null;
  /** Whether it is not sent again by itself. */
  readonly isOver: boolean;
}

export interface Sending {
  send(message: Outgoing): void;
  forget(message: Outgoing): void;
  /** Messages of which it is not known that they were accepted, oldest first. */
  readonly waiting: readonly Waiting[];
}

/** A text as a message of its own. */
export function outgoing(text: string): Outgoing {
  // No randomUUID: a page without TLS has none.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return { text, key: Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("") };
}

/** Whether a message was surely not accepted; after any other error it may have been. */
export function isRefused(error: Error): boolean {
  return error instanceof Refused && (error.status < 500 || NOT_ACCEPTED.includes(error.code));
}

/**
 * Sends messages to a session one after the other, also after the page was left.
 *
 * @param giveBack takes the text of a refused message; false = it cannot, and the message waits.
 */
export function useSending(id: string, giveBack: (text: string, why: Error) => boolean): Sending {
  const queries = useQueryClient();
  const isHere = useRef(false);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);
  const mutationKey = ["send", id];
  const forget = ({ key }: Outgoing): void => {
    const cache = queries.getMutationCache();
    for (const one of cache.findAll({ mutationKey })) {
      if ((one.state.variables as Outgoing | undefined)?.key === key) cache.remove(one);
    }
  };
  const { mutate } = useMutation({
    mutationKey,
    scope: { id: mutationKey.join(" ") },
    gcTime: Number.POSITIVE_INFINITY,
    // It is answered as soon as the message is stored: a browser has six connections, and a turn may take hours.
    mutationFn: ({ text, key }: Outgoing) =>
      call(`${pathOf(id)}/messages`, {
        method: "POST",
        body: { message: text },
        headers: { Prefer: "respond-async", "Idempotency-Key": key },
      }),
    retry: (failures, error) => !isRefused(error) && failures < ATTEMPTS - 1,
    retryDelay: (failures) => Math.min(1_000 * 2 ** failures, LONGEST_PAUSE_MS),
    onSuccess: (_, message) => forget(message),
    onError: (error, message) => {
      // Another page of the session shows what waits; nobody but the draft keeps it for who is signed out.
      const mayGiveBack = isHere.current || signedIn().user === null;
      if (isRefused(error) && mayGiveBack && giveBack(message.text, error)) forget(message);
    },
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["transcript", id] });
    },
  });
  const states = useMutationState({ filters: { mutationKey }, select: ({ state }) => state });
  const waiting = states.flatMap(({ status, variables, error, failureReason, isPaused }) =>
    status === "error" || failureReason !== null || isPaused
      ? [{ ...(variables as Outgoing), error: error ?? failureReason, isOver: status === "error" }]
      : [],
  );
  return { send: mutate, forget, waiting };
}
