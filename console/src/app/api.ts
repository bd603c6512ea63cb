/** Requests to the daemon that served this page. */

import { leave, signedIn } from "./session.js";

/** A request that the daemon refused, in its words. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** What can be done about it; empty = nothing is known. */
    readonly remedy: string,
  ) {
    super(message);
    this.name = "Refused";
  }
}

export interface RequestOptions {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Sent as JSON; a Blob as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * Sends a request and returns its JSON; undefined where the answer has no body.
 *
 * @throws Refused: the daemon said no; a TypeError: there was no answer.
 */
export async function call<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const text = await (await send(path, options)).text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/**
 * Sends a request and returns its answer.
 *
 * @throws as `call` does.
 */
export async function send(path: string, options: RequestOptions = {}): Promise<Response> {
  const { method = "GET", body, signal } = options;
  const token = signedIn().token;
  const headers = new Headers(options.headers);
  if (token !== null) headers.set("Authorization", `Bearer ${token.text}`);
  const isFile = body instanceof Blob;
  // Also without a body: it shows that no HTML form of another page sends this.
  if (method !== "GET" && method !== "DELETE") {
    headers.set("Content-Type", isFile ? "application/octet-stream" : "application/json");
  }
  const response = await fetch(path, {
    method,
    headers,
    signal: signal ?? null,
    body: body === undefined ? null : isFile ? body : JSON.stringify(body),
  });
  if (response.ok) return response;
  const refused = refusalOf(response.status, await response.text());
  if (response.status === 401) leave("You are not signed in any more.");
  throw refused;
}

/** The path with those parameters that have a value. */
export function withQuery(
  path: string,
  parameters: Readonly<Record<string, string | number | null | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** The refusal that an answer is, in the daemon's words where it has some. */
export function refusalOf(status: number, text: string): Refused {
  try {
    const { error, code, remedy } = JSON.parse(text) as { error?: string; code?: string; remedy?: string };
    return new Refused(status, code ?? "", error ?? `HTTP ${status}`, remedy ?? "");
  } catch {
    return new Refused(status, "", `HTTP ${status}`, "");
  }
}
