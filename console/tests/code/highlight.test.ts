import { describe, expect, it, vi } from "vitest";
import { highlight } from "../../src/code/highlight.js";
import { languageOf, languageOfFile } from "../../src/code/languages.js";

describe("code", () => {
  it("has kinds, and is the same text", async () => {
    const text = 'def f():\n    return "a" # why';
    const lines = await highlight(text, "python", false);
    expect(lines.map((line) => line.map((token) => token.text).join("")).join("\n")).toBe(text);
    const kinds = new Map(lines.flat().map((token) => [token.text.trim(), token.kind]));
    expect(kinds.get("def")).toBe("code-keyword");
    expect([...kinds].find(([part]) => part.includes("# why"))?.[1]).toBe("code-comment");
    expect([...kinds].find(([part]) => part.includes("a"))?.[1]).toBe("code-string");
  });

  it("has its kinds at the first time too, where compiling the rules takes a second", async () => {
    let now = 0;
    const clock = vi.spyOn(Date, "now").mockImplementation(() => now);
    const compile = RegExp.prototype.exec;
    const rules = new Set<string>();
    vi.spyOn(RegExp.prototype, "exec").mockImplementation(function (this: RegExp, text: string) {
      if (!rules.has(this.source)) now += 30; // its first use
      rules.add(this.source);
      return compile.call(this, text);
    });
    const kinds = (await highlight('echo "a"', "bash", false)).flat().map((token) => token.kind);
    vi.restoreAllMocks();
    expect(kinds).toContain("code-string");
    expect(clock.mock.calls.length).toBeGreaterThan(0);
  });

  it("is known by names and suffixes", () => {
    expect(languageOf("TS")).toBe("tsx");
    expect(languageOf("constructor")).toBeNull();
    expect(languageOfFile("/srv/app/main.py")).toBe("python");
    expect(languageOfFile("Dockerfile")).toBe("docker");
    expect(languageOfFile("notes")).toBeNull();
  });
});
