import type { ToolCall } from "@xswarm/react";
import { describe, expect, it } from "vitest";
import { diffOfCall } from "../../src/pages/chat/edits.js";
import { columnsOf, plainOf } from "../../src/pages/chat/values.js";

function call(name: string, input: ToolCall["input"]): ToolCall {
  return { id: "t", name, input, result: null, status: "running", offset: 0, startedAt: null, endedAt: null };
}

describe("a call that edits a file", () => {
  it("is a diff", () => {
    const edit = call("Edit", { file_path: "/a.py", old_string: "one\ntwo\n", new_string: "one\n2\n" });
    expect(diffOfCall(edit)).toBe("--- /a.py\n+++ /a.py\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n");
    const written = call("Write", { file_path: "/a.py", content: "new" });
    expect(diffOfCall(written)).toContain("+new");
    const edits = [
      { old_string: "a", new_string: "b" },
      { old_string: "c", new_string: "d" },
    ];
    expect(diffOfCall(call("MultiEdit", { file_path: "/a", edits }))).toMatch(/-a\n\+b\n.*-c\n\+d\n/s);
  });

  it("is none where it names no file or no text", () => {
    expect(diffOfCall(call("Bash", { command: "ls" }))).toBeNull();
    expect(diffOfCall(call("Read", { file_path: "/a" }))).toBeNull();
    expect(diffOfCall(call("Edit", null))).toBeNull();
    expect(diffOfCall(call("MultiEdit", { file_path: "/a", edits: [null, 5] }))).toBeNull();
  });
});

describe("rows", () => {
  it("make a table where all are records of few fields", () => {
    expect(columnsOf([{ a: 1 }, { b: 2, a: 3 }])).toEqual(["a", "b"]);
    expect(columnsOf([{ a: 1 }, 2])).toBeNull();
    expect(columnsOf([])).toBeNull();
    expect(columnsOf([Object.fromEntries(Array.from("abcdefghi", (name) => [name, 1]))])).toBeNull();
  });
});

describe("a value without parts", () => {
  it.each([
    ["2026-12-01T08:00-06:00", "2026-12-01 08:00 (UTC-06:00)"],
    ["2026-12-01T08:00:59.5Z", "2026-12-01 08:00 (UTC)"],
    ["2026-12-01T08:00", "2026-12-01 08:00"],
    ["2026-12-01", "2026-12-01"],
    ["at 2026-12-01T08:00Z", "at 2026-12-01T08:00Z"],
    [null, ""],
    [false, "false"],
    [0, "0"],
  ])("%s reads %s", (value, read) => {
    expect(plainOf(value)).toBe(read);
  });
});
