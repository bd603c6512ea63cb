/** Whether the parts of the daemon work, as it says itself. */

import { useQuery } from "@tanstack/react-query";
import { refusalOf } from "../../app/api.js";

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
    queryFn: async ({ signal }) => {
      const answer = await fetch("/readyz", { signal });
      return readinessOf(answer.status, await answer.text());
    },
    refetchInterval: EVERY_MS,
  });
}

/**
 * The readiness that an answer tells.
 *
 * @throws Refused: it names no parts, as while the daemon stops; or a proxy has answered.
 */
export function readinessOf(status: number, text: string): Readiness {
  const answer = parsed(text);
  if (typeof answer === "object" && answer !== null && "parts" in answer) {
    const { parts } = answer;
    if (typeof parts === "object" && parts !== null && !Array.isArray(parts)) return answer as Readiness;
  }
  throw refusalOf(status, text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** How many parts work, and of how many. */
export function counted({ parts }: Readiness): string {
  const states = Object.values(parts);
  return `${states.filter((state) => state === "ok").length} of ${states.length} parts work`;
}
