import { describe, expect, it } from "vitest";
import { type KeyAction, type KeyState, keysOf, pressed } from "../../src/app/keys.js";
import { PAGES, pagesOf } from "../../src/app/pages.js";

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
    const listed = keysOf(PAGES).map(([key]) => key);
    for (const page of PAGES) expect(listed).toContain(`g ${page.key}`);
  });

  it("of pages that a role does not show are not offered", () => {
    const names = (oversees: boolean, administers: boolean): readonly string[] =>
      keysOf(pagesOf({ oversees, administers })).map(([, title]) => title);
    expect(names(true, true)).toContain("Audit");
    expect(names(true, false)).not.toContain("Audit");
    expect(keysOf(pagesOf(undefined)).map(([, title]) => title)).not.toContain("Audit");
  });
});
