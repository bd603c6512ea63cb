/** The tools of the assistant, in groups. */

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
