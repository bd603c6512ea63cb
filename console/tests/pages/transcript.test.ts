import { expect, it } from "vitest";
import { before, isRunning, type Said } from "../../src/pages/sessions/transcript.js";

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

it("has an earlier page where this one is full, or was cut", () => {
  const messages = [said("m1", "completed"), said("m2", "completed")];
  expect(before({ messages, truncated: false }, 3)).toBeNull();
  expect(before({ messages, truncated: false }, 2)).toBe("m1");
  expect(before({ messages, truncated: true }, 3)).toBe("m1");
  expect(before({ messages: [], truncated: false }, 3)).toBeNull();
});

it("shows an answer as running until its turn has ended", () => {
  expect(isRunning([], "m1")).toBe(true);
  expect(isRunning([said("m1", "running")], "m1")).toBe(true);
  expect(isRunning([said("m1", "interrupted")], "m1")).toBe(false);
});
