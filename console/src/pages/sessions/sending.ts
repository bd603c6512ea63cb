/** Messages on their way to Claude Code: each is sent until it is known whether it was accepted. */

import { useMutation, useMutationState, useQueryClient } from "@tanstack/react-query";
import { newId } from "@xswarm/react";
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

/** Keys of messages of which an attempt ended without a certain answer: a later refusal says nothing of that one. */
const uncertain = new Set<string>();

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
  /** Whether it was surely not accepted. */
  readonly wasRefused: boolean;
}

export interface Sending {
  send(message: Outgoing): void;
  /** Sends one that waits, under its key. */
  sendAgain(message: Outgoing): void;
  forget(message: Outgoing): void;
  /** Messages of which it is not known that they were accepted, oldest first. */
  readonly waiting: readonly Waiting[];
}

/** A text as a message of its own. */
export function outgoing(text: string): Outgoing {
  return { text, key: newId() };
}

/** Whether a request was surely not accepted; after any other error it may have been. */
function isRefused(error: Error): boolean {
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
  const drop = ({ key }: Outgoing): void => {
    const cache = queries.getMutationCache();
    for (const one of cache.findAll({ mutationKey })) {
      if ((one.state.variables as Outgoing | undefined)?.key === key) cache.remove(one);
    }
  };
  const forget = (message: Outgoing): void => {
    drop(message);
    uncertain.delete(message.key);
  };
  const { mutate } = useMutation({
    mutationKey,
    scope: { id: mutationKey.join(" ") },
    gcTime: Number.POSITIVE_INFINITY,
    // It is answered as soon as the message is stored: a browser has six connections, and a turn may take hours.
    mutationFn: async ({ text, key }: Outgoing) => {
      const headers = { Prefer: "respond-async", "Idempotency-Key": key };
      try {
        await call(`${pathOf(id)}/messages`, { method: "POST", body: { message: text }, headers });
      } catch (error) {
        if (!isRefused(error as Error)) uncertain.add(key);
        throw error;
      }
    },
    retry: (failures, error) => !isRefused(error) && failures < ATTEMPTS - 1,
    retryDelay: (failures) => Math.min(1_000 * 2 ** failures, LONGEST_PAUSE_MS),
    onSuccess: (_, message) => forget(message),
    onError: (error, message) => {
      // Another page of the session shows what waits; nobody but the draft keeps it for who is signed out.
      const mayGiveBack = isHere.current || signedIn().user === null;
      if (wasRefused(error, message) && mayGiveBack && giveBack(message.text, error)) forget(message);
    },
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["transcript", id] });
    },
  });
  const states = useMutationState({ filters: { mutationKey }, select: ({ state }) => state });
  const waiting = states.flatMap(({ status, variables, error, failureReason, isPaused }) => {
    if (status !== "error" && failureReason === null && !isPaused) return [];
    const message = variables as Outgoing;
    const isOver = status === "error";
    return [{ ...message, error: error ?? failureReason, isOver, wasRefused: isOver && wasRefused(error, message) }];
  });
  const sendAgain = ({ text, key }: Outgoing): void => {
    drop({ text, key });
    mutate({ text, key });
  };
  return { send: mutate, sendAgain, forget, waiting };
}

function wasRefused(error: Error | null, { key }: Outgoing): boolean {
  return error !== null && isRefused(error) && !uncertain.has(key);
}
