import type { ReactElement } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Attachments, useAttachments, withNames } from "../../src/hooks/useAttachments.js";
import { Rendered } from "../components/rendering.js";

let page: Rendered;
let attachments: Attachments;
let removed: string[];

function Page(): ReactElement {
  attachments = useAttachments({
    attach: async (file) => {
      if (file.name === "bad") throw new Error("its type is not taken");
      return { id: `id-${file.name}`, name: file.name };
    },
    detach: async (attached) => removed.push(attached.id),
  });
  return <p>{attachments.files.map((file) => file.name).join(" ")}</p>;
}

beforeEach(() => {
  vi.useFakeTimers();
  page = new Rendered();
  removed = [];
});

afterEach(async () => {
  await page.remove();
  vi.useRealTimers();
});

describe("the files of a message", () => {
  it("are those that the server has taken, and go with one message", async () => {
    await page.show(<Page />);
    await page.do(() => attachments.add(["a", "bad", "b"].map((name) => new File(["x"], name))));
    expect(page.text("p")).toBe("a b");
    expect(attachments.problem).toBe("bad: its type is not taken");
    expect(attachments.coming).toBe(0);
    await page.do(() => attachments.remove({ id: "id-a", name: "a" }));
    expect(removed).toEqual(["id-a"]);
    await page.do(() => expect(attachments.take()).toEqual([{ id: "id-b", name: "b" }]));
    expect(page.text("p")).toBe("");
  });

  it("are named in its text, as the server keeps it", () => {
    expect(withNames("look ", [])).toBe("look ");
    expect(withNames("look ", [{ id: "1", name: "a.png" }])).toBe("look\n\n[attached: a.png]");
  });
});
