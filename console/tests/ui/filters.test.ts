import { describe, expect, it } from "vitest";
import { changed } from "../../src/ui/filters.js";

describe("filters in the address", () => {
  const before = new URLSearchParams("actor=ann&from=40");

  it("begin the list anew, and go where they are empty", () => {
    expect(changed(before, { event: " user " }).toString()).toBe("actor=ann&event=user");
    expect(changed(before, { actor: " " }).toString()).toBe("");
    expect(changed(before, {}).toString()).toBe("actor=ann");
  });

  it("keep what is chosen where the next page is opened", () => {
    expect(changed(before, { from: "20" }).toString()).toBe("actor=ann&from=20");
    expect(before.get("from")).toBe("40");
  });
});
