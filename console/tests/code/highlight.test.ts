import { describe, expect, it, vi } from "vitest";
import { highlight } from "../../src/code/highlight.js";
import { languageOf, languageOfFile } from "../../src/code/languages.js";

/** A clock that only goes on while rules are used, by what each use takes in milliseconds. */
function clockOf(takes: (isFirst: boolean) => number): void {
  let now = 0;
  vi.spyOn(Date, "now").mockImplementation(() => now);
  const run = RegExp.prototype.exec;
  const rules = new Set<string>();
  vi.spyOn(RegExp.prototype, "exec").mockImplementation(function (this: RegExp, text: string) {
    now += takes(!rules.has(this.source));
    rules.add(this.source);
    return run.call(this, text);
  });
}

async function kindsOf(text: string): Promise<readonly string[]> {
  const lines = await highlight(text, "bash", false);
  vi.restoreAllMocks();
  return lines.flat().map((token) => token.kind);
}

describe("code", () => {
  it("has kinds, and is the same text", async () => {
    clockOf(() => 0);
    const text = 'def f():\n    return "a" # why';
    const lines = await highlight(text, "python", false);
    vi.restoreAllMocks();
    expect(lines.map((line) => line.map((token) => token.text).join("")).join("\n")).toBe(text);
    const kinds = new Map(lines.flat().map((token) => [token.text.trim(), token.kind]));
    expect(kinds.get("def")).toBe("code-keyword");
    expect([...kinds].find(([part]) => part.includes("# why"))?.[1]).toBe("code-comment");
    expect([...kinds].find(([part]) => part.includes("a"))?.[1]).toBe("code-string");
  });

  it("has its kinds at the first time too, where compiling the rules takes a second", async () => {
    clockOf((isFirst) => (isFirst ? 30 : 0));
    expect(await kindsOf('echo "a"')).toContain("code-string");
  });

  it("has its kinds where a later line needs the rules first, and was cut meanwhile", async () => {
    clockOf((isFirst) => (isFirst ? 30 : 0));
    expect(await kindsOf('\n\n\necho "a"')).toContain("code-string");
  });

  it("stays without colours where every use of a rule is slow, and is not coloured again and again", async () => {
    clockOf(() => 30);
    const began = Date.now();
    const lines = await highlight('echo "a"\n'.repeat(20), "bash", true);
    const took = Date.now() - began;
    vi.restoreAllMocks();
    expect(lines.flat().map((token) => token.kind)).not.toContain("code-string");
    expect(took).toBeLessThan(100_000); // once through takes 60 seconds of this clock
  });

  it("is known by names and suffixes", () => {
    expect(languageOf("TS")).toBe("tsx");
    expect(languageOf("constructor")).toBeNull();
    expect(languageOfFile("/srv/app/main.py")).toBe("python");
    expect(languageOfFile("Dockerfile")).toBe("docker");
    expect(languageOfFile("notes")).toBeNull();
  });
});
