import { afterEach, beforeEach, expect, it, vi } from "vitest";
import Capabilities from "../../src/pages/chat/Capabilities.js";
import { Rendered } from "../rendering.js";

const TOOL = { name: "people", title: "People", description: "Who works.", reads: true, category: "" };

let works = false;
let asked = 0;

beforeEach(() => {
  vi.useFakeTimers();
  works = false;
  asked = 0;
  vi.stubGlobal("fetch", async () => {
    asked += 1;
    const clinic = { name: "clinic", works, tools: works ? [TOOL] : [], examples: [] };
    return Response.json({ servers: [clinic] });
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("shows the tools of a server that came up after it was opened, and asks no more then", async () => {
  const page = new Rendered();
  await page.show(<Capabilities onTry={() => undefined} onClose={() => undefined} />);
  expect(page.text).not.toContain("Who works.");
  works = true;
  await page.pass(6_000);
  expect(page.text).toContain("Who works.");
  expect(asked).toBe(2);
  await page.pass(60_000);
  expect(asked).toBe(2);
  await page.leave();
});
