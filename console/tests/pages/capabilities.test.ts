import { describe, expect, it } from "vitest";
import { examplesOf, groupsOf, type Server, type Tool } from "../../src/pages/chat/capabilities.js";

function tool(name: string, more: Partial<Tool> = {}): Tool {
  return { name, title: "", description: "", reads: true, category: "", ...more };
}

const SERVERS: readonly Server[] = [
  { name: "clinic", works: true, tools: [tool("people", { category: "Staff" }), tool("swap")], examples: [] },
  { name: "wards", works: false, tools: [tool("beds", { category: "Staff", title: "Free beds" })], examples: [] },
];

describe("tools", () => {
  it("stand under their categories, and under their servers without one", () => {
    const groups = groupsOf(SERVERS, "");
    expect(groups.map(({ name, works, tools }) => [name, works, tools.map((one) => one.name)])).toEqual([
      ["Staff", false, ["people", "beds"]],
      ["clinic", true, ["swap"]],
    ]);
  });

  it("are found by all words of name, title, text, category and server", () => {
    expect(groupsOf(SERVERS, " free STAFF ").map(({ tools }) => tools.map((one) => one.name))).toEqual([["beds"]]);
    expect(groupsOf(SERVERS, "nowhere")).toEqual([]);
  });

  it("come with questions: each once, those of every server in turn", () => {
    const asked = [
      ["a", "b", "c"],
      ["b", "d"],
    ];
    const servers = SERVERS.map((server, place) => ({ ...server, examples: asked[place] ?? [] }));
    expect(examplesOf(servers)).toEqual(["a", "b", "d", "c"]);
    expect(examplesOf(servers, 2)).toEqual(["a", "b"]);
    expect(examplesOf([])).toEqual([]);
  });
});
