import { describe, expect, it } from "vitest";
import { highlight } from "../../src/code/highlight.js";
import { languageOf, languageOfFile } from "../../src/code/languages.js";

describe("code", () => {
  it("has kinds, and is the same text", async () => {
    const text = 'def f():\n    return "a" # why';
    const lines = await highlight(text, "python");
    expect(lines.map((line) => line.map((token) => token.text).join("")).join("\n")).toBe(text);
    const kinds = new Map(lines.flat().map((token) => [token.text.trim(), token.kind]));
    expect(kinds.get("def")).toBe("code-keyword");
    expect([...kinds].find(([part]) => part.includes("# why"))?.[1]).toBe("code-comment");
    expect([...kinds].find(([part]) => part.includes("a"))?.[1]).toBe("code-string");
  });

  it("is known by names and suffixes", () => {
    expect(languageOf("TS")).toBe("tsx");
    expect(languageOf("constructor")).toBeNull();
    expect(languageOfFile("/srv/app/main.py")).toBe("python");
    expect(languageOfFile("Dockerfile")).toBe("docker");
    expect(languageOfFile("notes")).toBeNull();
  });
});
