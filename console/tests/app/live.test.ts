import { describe, expect, it } from "vitest";
import { frameOf, kindsOf, oneAtATime, pauseBefore } from "../../src/app/live.js";

/** A work that ends when it is told to. */
function worker(): { readonly begun: string[]; end: () => void; readonly work: (kind: string) => Promise<void> } {
  const begun: string[] = [];
  const waiting: (() => void)[] = [];
  return {
    begun,
    end: () => waiting.shift()?.(),
    work: (kind) => {
      begun.push(kind);
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}

describe("what has changed", () => {
  it("is read at once, and once more where it changed while it was read", async () => {
    const { begun, end, work } = worker();
    const readAgain = oneAtATime(work, 0);
    readAgain("queue");
    readAgain("queue");
    readAgain("queue");
    readAgain("costs");
    expect(begun).toEqual(["queue", "costs"]);
    end();
    await expect.poll(() => begun).toEqual(["queue", "costs", "queue"]);
    end();
    end();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(begun.length).toBe(3);
    readAgain("queue");
    expect(begun.length).toBe(4);
  });

  it("is read again after a read that failed", async () => {
    let times = 0;
    const readAgain = oneAtATime(() => {
      times += 1;
      return Promise.reject(new Error("no"));
    }, 0);
    readAgain("queue");
    readAgain("queue");
    await expect.poll(() => times).toBe(2);
  });

  it("stands in the frames of the daemon, and nothing else is taken for it", () => {
    expect(kindsOf({ type: "changed", kinds: ["queue", 1] })).toEqual(["queue"]);
    expect(kindsOf({ type: "other", kinds: ["queue"] })).toEqual([]);
    expect(kindsOf({ type: "changed" })).toEqual([]);
    expect(frameOf('{"type":"ready"}')).toEqual({ type: "ready" });
    for (const text of ["", "{", "null", "[]", '{"kinds":["queue"]}']) expect(frameOf(text)).toBeNull();
  });

  it("is asked for again within 5 s after a lost connection", () => {
    expect([0, 1, 2].map((failures) => pauseBefore(failures))).toEqual([250, 500, 1_000]);
    expect(pauseBefore(50)).toBeLessThan(5_000);
    expect(pauseBefore(0, 1013)).toBe(pauseBefore(50));
  });
});
