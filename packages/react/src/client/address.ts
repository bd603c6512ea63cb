/** Where the chat's socket is, and how a token gets there. */

const PATH = "/api/claude-chat/ws";

/** Where the token goes: into the handshake's subprotocol, or, for servers that read it there only, into the URL. */
export type TokenPlace = "protocol" | "query";

export interface Address {
  readonly url: string;
  readonly protocols: readonly string[];
}

/**
 * The address of a session's socket.
 *
 * @param base an http(s) or ws(s) URL, or a path of this origin; without a path, that of the chat is added.
 * @param page the URL of the page.
 * @param token null = the browser's cookie says who it is.
 */
export function addressOf(
  base: string | undefined,
  page: string,
  sessionId: string,
  token: string | null,
  place: TokenPlace,
): Address {
  const url = new URL(base ?? PATH, page);
  url.protocol = url.protocol === "https:" || url.protocol === "wss:" ? "wss:" : "ws:";
  if (url.pathname === "/") url.pathname = PATH;
  url.hash = "";
  url.searchParams.set("session_id", sessionId);
  if (token === null) return { url: url.href, protocols: [] };
  if (place === "protocol") return { url: url.href, protocols: ["bearer", token] };
  url.searchParams.set("token", token);
  return { url: url.href, protocols: [] };
}

const SESSION_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Whether the server takes a session id. */
export function isSessionId(id: string): boolean {
  return SESSION_ID.test(id);
}

/** A new UUID (RFC 9562, version 4), also where the page is not in a secure context, so has no `crypto.randomUUID`. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  digits[6] = `4${digits[6]?.charAt(1)}`; // the version
  digits[8] = ((Number.parseInt(digits[8] ?? "", 16) & 0x3f) | 0x80).toString(16); // the variant
  return digits.join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
