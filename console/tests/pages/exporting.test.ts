import { describe, expect, it } from "vitest";
import { markdownOf, type Recorded } from "../../src/pages/chat/exporting.js";

const said = (role: Recorded["role"], content: string, more: Partial<Recorded> = {}): Recorded => ({
  id: content,
  role,
  content,
  timestamp: "2026-11-30T08:05:00Z",
  interrupted: false,
  tool_calls: [],
  ...more,
});

describe("a conversation as Markdown", () => {
  it("tells who said what, by which tools, and what was stopped", () => {
    const answer = said("assistant", "Two.", { interrupted: true, tool_calls: [{ name: "find" }] });
    expect(markdownOf("Conflicts", [said("user", "Are there any?"), answer])).toBe(
      "# Conflicts\n\n## You, 2026-11-30 08:05 UTC\n\nAre there any?\n\n" +
        "## Assistant, 2026-11-30 08:05 UTC\n\nTools: `find`\n\nTwo.\n\n(stopped)\n",
    );
  });
});
