/** Whether the parts of the daemon work, as it says itself. */

import { useQuery } from "@tanstack/react-query";

/** How often it is asked, in milliseconds: no commit says that a part fails. */
const EVERY_MS = 9_000;

export interface Readiness {
  readonly status: string;
  /** "ok" or "failed" by the name of each part. */
  readonly parts: Readonly<Record<string, string>>;
}

export function useHealth() {
  return useQuery({
    queryKey: ["health"],
    // 503 says which part fails, so it is an answer like 200.
    queryFn: async ({ signal }) => (await (await fetch("/readyz", { signal })).json()) as Readiness,
    refetchInterval: EVERY_MS,
  });
}

/** How many parts work, and of how many. */
export function counted({ parts }: Readiness): string {
  const states = Object.values(parts);
  return `${states.filter((state) => state === "ok").length} of ${states.length} parts work`;
}
