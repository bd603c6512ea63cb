import { describe, expect, it } from "vitest";
import { linesOf } from "../../src/ui/diff.js";
import { minute, timeLeft } from "../../src/ui/time.js";

describe("time left", () => {
  it.each([
    [0, "0:00"],
    [0.2, "0:01"],
    [61, "1:01"],
    [3_725, "1:02:05"],
    [-5, "0:00"],
  ])("of %d s is %s", (seconds, shown) => {
    const now = Date.parse("2026-11-30T08:00:00Z");
    expect(timeLeft(new Date(now + seconds * 1_000).toISOString(), now)).toBe(shown);
  });

  it("shows times in UTC, whatever the zone of the browser", () => {
    expect(minute("2026-11-30T23:59:59.1Z")).toBe("2026-11-30 23:59");
  });
});

describe("a diff", () => {
  it("tells names and places from what is added and removed", () => {
    const diff = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n-old\n--- old\n+new\n+++ new\n";
    expect(linesOf(diff).map((line) => line.kind)).toEqual([
      ...["place", "place", "place"],
      ...["same", "removed", "removed", "added", "added"],
    ]);
  });

  it("of no lines has none", () => {
    expect(linesOf("")).toEqual([]);
  });
});
