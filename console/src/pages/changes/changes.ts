/** What turns changed in files, as the daemon lists it. */

import { keepPreviousData, type UseQueryResult, useQuery } from "@tanstack/react-query";
import { call, withQuery } from "../../app/api.js";

/** How often a list is read again, in milliseconds. */
const EVERY_MS = 3_000;
export const PAGE = 50;

/** The beginning of the key of every query about changes: an undo makes all of them old. */
export const KEY = ["changes"] as const;

export interface ChangedTurn {
  readonly session_id: string;
  readonly message_id: string;
  readonly user_id: string;
  readonly project: string;
  /** The beginning of its prompt. */
  readonly message: string;
  /** null = it is not known. */
  readonly files: number | null;
  readonly undone: boolean;
  /** Why it cannot be undone; empty = it can. */
  readonly why: string;
  /** RFC 3339 in UTC. */
  readonly timestamp: string;
}

export interface Operation {
  readonly id: number;
  readonly session_id: string;
  readonly message_id: string;
  readonly user_id: string;
  /** Relative to the project. */
  readonly path: string;
  readonly tool: string;
  readonly status: string;
  readonly timestamp: string;
  readonly filepath: string;
  readonly rolled_back: boolean;
}

export interface Turn extends Omit<ChangedTurn, "files"> {
  readonly files: readonly Operation[];
  readonly diff: string;
}

export interface Undone {
  readonly paths: readonly string[];
  readonly dry_run: boolean;
}

export interface Turns {
  readonly turns: readonly ChangedTurn[];
  readonly next_before: number | null;
}

export interface Operations {
  readonly operations: readonly Operation[];
  readonly truncated: boolean;
}

type Filter = Readonly<Record<string, string>>;

/** Turns that changed files, newest first. */
export function useTurns(filter: Filter): UseQueryResult<Turns> {
  return useQuery({
    queryKey: [...KEY, "turns", filter],
    queryFn: ({ signal }) => call<Turns>(withQuery("/api/changes", { ...filter, limit: PAGE }), { signal }),
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
  });
}

/** What turns did to files, call by call, newest first. */
export function useOperations(filter: Filter): UseQueryResult<Operations> {
  return useQuery({
    queryKey: [...KEY, "operations", filter],
    queryFn: ({ signal }) =>
      call<Operations>(withQuery("/api/file-operations", { ...filter, limit: PAGE }), { signal }),
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
  });
}

/** One turn with its diff; it is asked for once it has ended. */
export function useTurn(session: string, message: string, hasEnded = true): UseQueryResult<Turn> {
  return useQuery({
    queryKey: [...KEY, "turn", session, message],
    enabled: hasEnded,
    queryFn: ({ signal }) =>
      call<Turn>(withQuery(`${sessionPath(session)}/changes`, { message_id: message }), { signal }),
  });
}

/** Undoes a turn, or takes its undo back; with `dry_run` it only says what would change. */
export function undo(turn: Turn, dryRun: boolean): Promise<Undone> {
  const body = { message_id: turn.message_id, direction: turn.undone ? "again" : "back", dry_run: dryRun };
  return call<Undone>(`${sessionPath(turn.session_id)}/undo`, { method: "POST", body });
}

export function sessionPath(session: string): string {
  return `/api/claude-code/sessions/${encodeURIComponent(session)}`;
}

/** The address of the page of a turn. */
export function pageOf(turn: { readonly session_id: string; readonly message_id: string }): string {
  return `/changes/${encodeURIComponent(turn.session_id)}/${encodeURIComponent(turn.message_id)}`;
}
