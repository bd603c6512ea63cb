/** What the person may see, as the daemon says. */

import { useQuery } from "@tanstack/react-query";
import { call } from "./api.js";

export interface Me {
  readonly name: string;
  readonly user_id: string | null;
  readonly role: string | null;
  /** Whether they read records and costs of everybody. */
  readonly oversees: boolean;
  /** Whether they also read what everybody did, and who may do what. */
  readonly administers: boolean;
  /** Whether a cookie names them, not a token. */
  readonly signed_in: boolean;
}

/** A role that was changed shows within this time, in milliseconds. */
const EVERY_MS = 60_000;

/** undefined = it is not known yet. */
export function useMe(): Me | undefined {
  return useQuery({
    queryKey: ["me"],
    queryFn: ({ signal }) => call<Me>("/api/me", { signal }),
    refetchInterval: EVERY_MS,
    staleTime: EVERY_MS,
  }).data;
}
