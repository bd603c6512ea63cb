/** What an administrator may only do who has just shown a passkey: it is asked for where the daemon wants it. */

import { call, Refused, type RequestOptions } from "./api.js";

/**
 * Sends a request; where the daemon asks for a passkey, the person shows one and it is sent again.
 *
 * @throws as `call` does; a DOMException: the person showed none.
 */
export async function callChecked<T>(path: string, options: RequestOptions): Promise<T> {
  try {
    return await call<T>(path, options);
  } catch (error) {
    if (!(error instanceof Refused && error.code === "fresh_check_needed")) throw error;
    // Without a passkey there is nothing to show; the daemon's words say what to do.
    const { passkeys } = await call<{ readonly passkeys: readonly unknown[] }>("/api/auth/passkeys");
    if (passkeys.length === 0) throw error;
  }
  await showPasskey();
  return call<T>(path, options);
}

async function showPasskey(): Promise<void> {
  const path = "/api/auth/check";
  await call(path, { method: "POST", body: { credential: await proofFor(path, {}) } });
}

/**
 * Lets the person show a passkey for one thing alone, which the daemon's challenge is bound to.
 *
 * @param body what the challenge is made for.
 * @throws as `call` does; a DOMException: the person showed none.
 */
export async function proofFor(path: string, body: unknown): Promise<unknown> {
  const asked = await call<{ readonly options: PublicKeyCredentialRequestOptionsJSON }>(`${path}/options`, {
    method: "POST",
    body,
  });
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.options);
  const credential = await navigator.credentials.get({ publicKey });
  if (!(credential instanceof PublicKeyCredential)) throw new DOMException("No passkey was shown.", "NotAllowedError");
  return credential.toJSON();
}
