import { describe, expect, it } from "vitest";
import { blocksOf } from "../../src/pages/chat/blocks.js";

const TEXTS = [
  "",
  "one\n\ntwo\n",
  "- a\n\n- b\n\n  still b\n\nend",
  "```py\na\n\nb\n```\n\nafter",
  "~~~~\n```\n\n~~~\n\n~~~~\n\nafter",
  "> a\n\n> b",
];

describe("blocks of Markdown", () => {
  it.each(TEXTS)("are the text, joined: %j", (text) => {
    expect(blocksOf(text).join("")).toBe(text);
  });

  it("end at blank lines, but not in code, lists and quotations", () => {
    expect(TEXTS.map((text) => blocksOf(text).length)).toEqual([0, 2, 2, 2, 2, 1]);
  });

  it("stay as they are while a text grows", () => {
    const text = "first\n\n```\nx\n\ny\n```\n\nsecond\n\nthird";
    const whole = blocksOf(text);
    for (let end = 0; end <= text.length; end += 1) {
      const settled = blocksOf(text.slice(0, end)).slice(0, -1);
      expect(whole.slice(0, settled.length)).toEqual(settled);
    }
  });
});
