import { describe, expect, it } from "vitest";
import { beginningOf, commentsOf, keyOf, type LineComment, reviewed } from "../../src/pages/changes/review.js";

const FIRST: LineComment = {
  path: "src/a b.py",
  line: 12,
  isBefore: false,
  code: "  x = 1",
  text: "why 1?\n\nsay why",
};
const SECOND: LineComment = {
  path: "src/a b.py",
  line: 3,
  isBefore: true,
  code: "gone",
  text: "1. x, line 2:\nkeep it",
};

describe("comments on lines", () => {
  it("are one a line, in the order of their places, and an empty one is none", () => {
    let comments = reviewed([], { kind: "put", comment: FIRST });
    comments = reviewed(comments, { kind: "put", comment: SECOND });
    expect(comments.map((one) => one.line)).toEqual([3, 12]);
    comments = reviewed(comments, { kind: "put", comment: { ...FIRST, text: " better " } });
    expect(comments.map((one) => one.text)).toEqual([SECOND.text, "better"]);
    expect(reviewed(comments, { kind: "put", comment: { ...FIRST, text: " " } })).toEqual([SECOND]);
    expect(reviewed(comments, { kind: "remove", key: keyOf(SECOND) })).toHaveLength(1);
    expect(reviewed(comments, { kind: "clear" })).toEqual([]);
  });

  it("tell a removed line from the line that has its number now", () => {
    expect(keyOf(FIRST)).not.toBe(keyOf({ ...FIRST, isBefore: true }));
  });

  it("are read back from the prompt that they were sent in, whatever they say", () => {
    const prompt = [
      "Review of turn 0197: change what these comments ask for, and answer each by its number.",
      "1. src/a b.py, line 3 before the turn:\n   > gone\n   1. x, line 2:\n   keep it",
      "2. src/a b.py, line 12:\n   >   x = 1\n   why 1?\n   \n   say why",
    ].join("\n\n");
    expect(prompt.startsWith(beginningOf("0197"))).toBe(true);
    expect(commentsOf(prompt)).toEqual([SECOND, FIRST]);
  });
});
