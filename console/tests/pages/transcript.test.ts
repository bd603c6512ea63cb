import { expect, it } from "vitest";
import { before, grown, isRunning, type Said, searched } from "../../src/pages/sessions/transcript.js";

function said(id: string, status: string): Said {
  return {
    id,
    direction: "to_claude",
    message: id,
    timestamp: "",
    cost_usd: null,
    status,
    user_id: "ada",
    truncated: false,
  };
}

function page(hasEarlier: boolean, ...messages: readonly Said[]) {
  return { messages, hasEarlier };
}

const [m1, m2, m3] = [said("m1", "completed"), said("m2", "completed"), said("m3", "running")] as const;

it("goes on above the first message of a page", () => {
  expect(before(page(false, m1, m2))).toBeNull();
  expect(before(page(true, m1, m2))).toBe("m1");
  expect(before(page(true))).toBeNull();
});

it("grows at its end, so that the pages above it stay as they are", () => {
  expect(grown(page(true, m1, m2), page(true, m2, m3))).toEqual(page(true, m1, m2, m3));
  expect(grown(page(false, m1, m2), page(true, m2, m3))).toEqual(page(false, m1, m2, m3));
});

it("begins anew after a gap, and where what it held may still change", () => {
  expect(grown(page(true, m1), page(true, m2, m3))).toEqual(page(true, m2, m3));
  const running = said("m1", "running");
  expect(grown(page(true, running, m2), page(true, m2, m3))).toEqual(page(true, m2, m3));
});

it("searches for a message up to a bound, and not while pages fail", () => {
  expect(searched("m9", [], false, false)).toBe("goes on");
  expect(searched("m9", [page(true, m1)], true, false)).toBe("goes on");
  expect(searched("m9", [page(true, m1)], true, true)).toBe("failed");
  expect(searched("m9", Array(20).fill(page(true, m1)), true, false)).toBe("too far");
  expect(searched("m9", [page(false, m1)], false, false)).toBe("nowhere");
  expect(searched("m1", [page(false, m1)], false, false)).toBe("found");
});

it("shows an answer as running until its turn has ended", () => {
  expect(isRunning([], "m1")).toBe(true);
  expect(isRunning([said("m1", "running")], "m1")).toBe(true);
  expect(isRunning([said("m1", "interrupted")], "m1")).toBe(false);
});
