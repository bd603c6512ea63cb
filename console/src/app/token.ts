/** What a pasted token says of itself. It is not verified here: the daemon does that with each request. */

/** The longest life of a token that this page takes, in seconds: a script that steals it has it no longer. */
export const LONGEST_SECONDS = 24 * 3_600;

export interface Token {
  readonly text: string;
  readonly user: string;
  /** In milliseconds UTC. */
  readonly expiresMs: number;
}

/** A token, or the sentence that says why it is not taken. */
export type Read = { readonly token: Token } | { readonly problem: string };

const HOW = "`xswarm token jwt --user ID` prints one";

/**
 * Reads a pasted JWT (RFC 7519).
 *
 * Tokens without an end and those of services and of the operator stay out of the browser.
 *
 * @param nowMs milliseconds UTC.
 */
export function readToken(pasted: string, nowMs: number): Read {
  const text = pasted.trim();
  const claims = claimsOf(text);
  if (claims === null) return { problem: `This is no JWT: ${HOW}.` };
  const { sub, exp } = claims;
  if (typeof sub !== "string" || sub === "" || typeof exp !== "number") {
    return { problem: `This token names no user or no end: ${HOW}.` };
  }
  const secondsLeft = exp - nowMs / 1_000;
  if (secondsLeft <= 0) return { problem: `This token has expired: ${HOW}.` };
  if (secondsLeft > LONGEST_SECONDS) {
    return {
      problem: `This token is valid for more than ${LONGEST_SECONDS / 3_600} hours, too long for a browser: ${HOW}.`,
    };
  }
  return { token: { text, user: sub, expiresMs: exp * 1_000 } };
}

function claimsOf(text: string): { readonly sub?: unknown; readonly exp?: unknown } | null {
  const parts = text.split(".");
  if (parts.length !== 3) return null;
  try {
    const claims: unknown = JSON.parse(atob((parts[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
    return typeof claims === "object" && claims !== null ? claims : null;
  } catch {
    return null;
  }
}
