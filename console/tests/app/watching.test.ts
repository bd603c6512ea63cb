import { expect, it } from "vitest";
import { NOTHING, taken } from "../../src/app/watching.js";

const PRESENCE = { type: "presence", session_id: "s1", users: [{ id: "bob", state: "writing" }] };

function answering(message: string, text: string, more: Readonly<Record<string, string>> = {}) {
  return { type: "answering", session_id: "s1", message_id: message, text, ...more };
}

it("tells who is there, and nothing of another session", () => {
  expect(taken(NOTHING, PRESENCE, "s1").users).toEqual([{ id: "bob", state: "writing" }]);
  expect(taken(NOTHING, PRESENCE, "s2")).toBe(NOTHING);
});

it("grows the answer that runs, and begins anew with the next one", () => {
  const begun = taken(NOTHING, answering("m1", "one ", { tool: "Bash" }), "s1");
  expect(begun.answering).toEqual({ message: "m1", text: "one ", tool: "Bash" });
  const grown = taken(begun, answering("m1", "two"), "s1");
  expect(grown.answering).toEqual({ message: "m1", text: "one two", tool: "Bash" });
  expect(taken(grown, answering("m1", "", { tool: "" }), "s1").answering?.tool).toBe("");
  expect(taken(grown, answering("m2", "three"), "s1").answering?.text).toBe("three");
});
