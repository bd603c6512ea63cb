import { useMemo } from "react";
import { browserShelf, ChatStorage, type Shelf } from "../client/storage.js";

/** Where and for whom things are kept. */
export interface StorageOptions {
  readonly token?: unknown;
  readonly user?: string | undefined;
  readonly storage?: Shelf | null | undefined;
}

/** The storage of one user: the one that is named, else the one of the token. */
export function useChatStorage({ token, user, storage }: StorageOptions): ChatStorage {
  const owner = user ?? subjectOf(token) ?? "anyone";
  return useMemo(() => new ChatStorage(storage === undefined ? browserShelf() : storage, owner), [storage, owner]);
}

/** The user that a JWT names; null = it names none. It is not verified: it only keeps records apart. */
export function subjectOf(token: unknown): string | null {
  if (typeof token !== "string") return null;
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const subject: unknown = JSON.parse(atob(payload)).sub;
    return typeof subject === "string" && subject !== "" ? subject : null;
  } catch {
    return null;
  }
}
