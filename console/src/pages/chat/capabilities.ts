/** The tools of the assistant, in groups, and questions to begin with. */

import { useQuery } from "@tanstack/react-query";
import { call } from "../../app/api.js";

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Whether nobody is asked about its calls. */
  readonly reads: boolean;
  /** Empty = it has none. */
  readonly category: string;
}

export interface Server {
  readonly name: string;
  readonly works: boolean;
  readonly tools: readonly Tool[];
  readonly examples: readonly string[];
}

export interface Group {
  readonly name: string;
  readonly works: boolean;
  readonly tools: readonly Tool[];
}

/** How often it is asked whether a server that does not answer has come up, in milliseconds: at first, and after a minute. */
const SOON_MS = 5_000;
const LATER_MS = 60_000;
const SOON = 12;

/** The programs and services whose tools the assistant may use for this person. */
export function useServers() {
  return useQuery({
    queryKey: ["tools"],
    queryFn: async ({ signal }) =>
      (await call<{ readonly servers: readonly Server[] }>("/api/tools", { signal })).servers,
    refetchInterval: ({ state }) => {
      if (!state.data?.some((server) => !server.works)) return false;
      return state.dataUpdateCount <= SOON ? SOON_MS : LATER_MS;
    },
  });
}

/** The questions of all servers, each once; those of one server do not push out those of another. */
export function examplesOf(servers: readonly Server[], most = Number.POSITIVE_INFINITY): readonly string[] {
  const longest = Math.max(0, ...servers.map((server) => server.examples.length));
  const inTurn = Array.from({ length: longest }, (_, place) =>
    servers.flatMap(({ examples }) => examples[place] ?? []),
  );
  return [...new Set(inTurn.flat())].slice(0, most);
}

/** Tools in groups by their categories, those without one by their servers; only tools that have all words. */
export function groupsOf(servers: readonly Server[], words: string): readonly Group[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, { works: boolean; tools: Tool[] }>();
  for (const { name, works, tools } of servers) {
    for (const tool of tools) {
      const text = `${tool.name} ${tool.title} ${tool.description} ${tool.category} ${name}`.toLowerCase();
      if (!wanted.every((word) => text.includes(word))) continue;
      const key = tool.category || name;
      const group = groups.get(key) ?? { works: true, tools: [] };
      groups.set(key, { works: group.works && works, tools: [...group.tools, tool] });
    }
  }
  return [...groups].map(([name, group]) => ({ name, ...group }));
}
