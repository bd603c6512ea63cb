import type { ReactElement } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Boundary } from "../../src/app/Boundary.js";
import { Rendered } from "../rendering.js";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function Broken(): ReactElement {
  throw new Error("broken");
}

it("shows another page after one that failed", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const page = new Rendered();
  const at = (path: string, child: ReactElement) => page.show(<Boundary path={path}>{child}</Boundary>);
  await at("/a", <Broken />);
  expect(page.text).toContain("This page could not be shown.");
  await at("/b", <p>Another page</p>);
  expect(page.text).toBe("Another page");
  await page.leave();
});
