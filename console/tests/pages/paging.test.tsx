import type { ReactElement } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useTranscript } from "../../src/pages/sessions/transcript.js";
import { Rendered } from "../rendering.js";

let asked: string[] = [];
let newest = 120;
let isBroken = false;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  newest = 120;
  isBroken = false;
  vi.stubGlobal("fetch", async (path: string) => {
    const before = new URL(path, "http://localhost").searchParams.get("before");
    asked.push(before ?? "newest");
    if (isBroken && before !== null) return Response.json({ error: "no", code: "storage" }, { status: 503 });
    const end = before === null ? newest : Number(before.slice(1)) - 1;
    const first = Math.max(end - 49, 1);
    const messages = Array.from({ length: end - first + 1 }, (_, place) => ({
      id: `m${first + place}`,
      direction: "to_claude",
      status: "completed",
    }));
    return Response.json({ messages, truncated: false });
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function Transcript(): ReactElement {
  const { data, hasNextPage, isFetchNextPageError, fetchNextPage } = useTranscript("s1");
  const count = data?.pages.flatMap((page) => page.messages).length ?? 0;
  return (
    <>
      <p>{`${count} read, ${hasNextPage ? "earlier ones" : "all"}${isFetchNextPageError ? ", failed" : ""}`}</p>
      <button type="button" onClick={() => void fetchNextPage()}>
        Earlier
      </button>
    </>
  );
}

it("reads only the newest page again, and loses no message between it and the earlier ones", async () => {
  const page = new Rendered();
  await page.show(<Transcript />);
  await page.click("Earlier");
  await page.click("Earlier");
  expect(page.text).toContain("120 read, all");
  expect(asked).toEqual(["newest", "m71", "m21"]);
  newest = 123;
  await page.do(() => void page.queries.invalidateQueries({ queryKey: ["transcript", "s1"] }));
  expect(page.text).toContain("123 read, all");
  expect(asked).toEqual(["newest", "m71", "m21", "newest"]);
  newest = 200;
  await page.do(() => void page.queries.invalidateQueries({ queryKey: ["transcript", "s1"] }));
  expect(page.text).toContain("read, earlier ones");
  expect(asked.slice(4)).toEqual(["newest", "m151", "m101"]);
  await page.leave();
});

it("says that an earlier page could not be read, and keeps what was", async () => {
  const page = new Rendered();
  await page.show(<Transcript />);
  isBroken = true;
  await page.click("Earlier");
  expect(page.text).toContain("50 read, earlier ones, failed");
  expect(asked).toEqual(["newest", "m71"]);
  await page.leave();
});
