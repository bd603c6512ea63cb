/** Who is signed in: a token in this tab's sessionStorage, which the browser forgets with the tab. */

import { useSyncExternalStore } from "react";
import { readToken, type Token } from "./token.js";

const KEY = "xswarm:token";

export interface SignedIn {
  /** null = nobody is signed in. */
  readonly token: Token | null;
  /** Why somebody was signed out; null = nobody was, or they wished it. */
  readonly why: string | null;
}

const listeners = new Set<() => void>();
let state: SignedIn = { token: kept(), why: null };
let ending: ReturnType<typeof setTimeout> | undefined;
watchEnd();

/** Sign in with a pasted token; return the sentence that says why it is not taken, null = it is. */
export function signIn(pasted: string): string | null {
  const read = readToken(pasted, Date.now());
  if ("problem" in read) return read.problem;
  sessionStorage.setItem(KEY, read.token.text);
  set({ token: read.token, why: null });
  return null;
}

/** Forget the token. */
export function signOut(why: string | null = null): void {
  sessionStorage.removeItem(KEY);
  set({ token: null, why });
}

export function signedIn(): SignedIn {
  return state;
}

export function useSignedIn(): SignedIn {
  return useSyncExternalStore(subscribe, signedIn);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function set(next: SignedIn): void {
  state = next;
  watchEnd();
  for (const listener of listeners) listener();
}

function watchEnd(): void {
  clearTimeout(ending);
  if (state.token === null) return;
  ending = setTimeout(() => signOut("Your token has expired."), state.token.expiresMs - Date.now());
}

function kept(): Token | null {
  const read = readToken(sessionStorage.getItem(KEY) ?? "", Date.now());
  return "token" in read ? read.token : null;
}
