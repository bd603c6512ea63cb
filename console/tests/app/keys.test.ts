import { describe, expect, it } from "vitest";
import { KEYS, type KeyAction, type KeyState, pressed } from "../../src/app/keys.js";
import { PAGES } from "../../src/app/pages.js";

function afterKeys(...keys: readonly string[]): KeyAction {
  let state: KeyState = { first: null };
  let action: KeyAction = null;
  for (const key of keys) [state, action] = pressed(state, key);
  return action;
}

describe("keys", () => {
  it("open the page whose letter follows g", () => {
    for (const page of PAGES) expect(afterKeys("g", page.key)).toEqual({ open: `/${page.name}` });
    expect(afterKeys("c")).toBeNull();
    expect(afterKeys("g", "x", "c")).toBeNull();
    expect(afterKeys("g", "?")).toEqual({ help: true });
  });

  it("of two pages differ, and each is in the list", () => {
    expect(new Set(PAGES.map((page) => page.key)).size).toBe(PAGES.length);
    const listed = KEYS.map(([key]) => key);
    for (const page of PAGES) expect(listed).toContain(`g ${page.key}`);
  });
});
