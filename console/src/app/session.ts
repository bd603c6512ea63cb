/** Who is signed in: by a cookie that no script can read, or by a token in this tab's sessionStorage. */

import { useSyncExternalStore } from "react";
import { readToken, type Token } from "./token.js";

const KEY = "xswarm:token";

export interface SignedIn {
  /** null = nobody is signed in. */
  readonly user: string | null;
  /** null = the cookie says who it is. */
  readonly token: Token | null;
  /** Whether the daemon is still asked who the cookie names. */
  readonly isAsking: boolean;
  /** Why somebody was signed out; null = nobody was, or they wished it. */
  readonly why: string | null;
}

const NOBODY: SignedIn = { user: null, token: null, isAsking: false, why: null };

const listeners = new Set<() => void>();
let state: SignedIn = ofToken(kept());
let ending: ReturnType<typeof setTimeout> | undefined;
watchEnd();

/** Asks the daemon who the cookie of this browser names, where no token is kept. */
export async function askWhoItIs(): Promise<void> {
  if (state.user !== null || isAddress(location.hostname)) return;
  set({ ...NOBODY, isAsking: true });
  let user: string | null = null;
  try {
    const answer = await fetch("/api/auth/session");
    if (answer.ok) user = String(((await answer.json()) as { readonly user_id: string }).user_id);
  } catch {
    // Without an answer nobody is signed in; the page to sign in is shown.
  }
  set({ ...NOBODY, user });
}

/** Whether a host is an IP address: there no cookie counts, since passkeys and cookies belong to names. */
export function isAddress(host: string): boolean {
  return host.startsWith("[") || /^[\d.]+$/.test(host);
}

/** Sign in with a pasted token; return the sentence that says why it is not taken, null = it is. */
export function signIn(pasted: string): string | null {
  const read = readToken(pasted, Date.now());
  if ("problem" in read) return read.problem;
  sessionStorage.setItem(KEY, read.token.text);
  set(ofToken(read.token));
  return null;
}

/** Forget who is signed in, here and at the daemon. */
export async function signOut(): Promise<void> {
  if (state.token === null) {
    await fetch("/api/auth/sign-out", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
  }
  leave(null);
}

/** Forget who is signed in, in this tab. */
export function leave(why: string | null): void {
  sessionStorage.removeItem(KEY);
  set({ ...NOBODY, why });
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
  ending = setTimeout(() => leave("Your token has expired."), state.token.expiresMs - Date.now());
}

function kept(): Token | null {
  const read = readToken(sessionStorage.getItem(KEY) ?? "", Date.now());
  return "token" in read ? read.token : null;
}

function ofToken(token: Token | null): SignedIn {
  return { ...NOBODY, user: token?.user ?? null, token };
}
