import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SessionComposer } from "../../src/pages/sessions/SessionComposer.js";
import { Rendered } from "../rendering.js";

interface Sent {
  readonly key: string | null;
  readonly prefer: string | null;
  readonly message: string;
}

let sent: Sent[] = [];
let answers: (() => Response | Promise<Response>)[] = [];

const accepted = () => Response.json({ message_id: "m1" }, { status: 202 });
const refused = () => Response.json({ error: "too many messages", code: "rate_limited" }, { status: 429 });
const lost = () => Promise.reject(new TypeError("connection lost"));

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  sent = [];
  answers = [];
  vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
    const headers = init.headers as Headers;
    const { message } = JSON.parse(String(init.body)) as { message: string };
    sent.push({ key: headers.get("Idempotency-Key"), prefer: headers.get("Prefer"), message });
    return (answers.shift() ?? accepted)();
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function shown(queries?: Rendered["queries"]): Promise<Rendered> {
  const page = new Rendered(queries);
  await page.show(<SessionComposer id="s1" user="ada" />);
  return page;
}

it("does not wait for the answer, and gives each message a key of its own", async () => {
  const page = await shown();
  for (const text of ["one", "one"]) {
    await page.write(text);
    await page.click("Send");
  }
  expect(sent.map((one) => one.prefer)).toEqual(["respond-async", "respond-async"]);
  expect(new Set(sent.map((one) => one.key)).size).toBe(2);
  expect(sent[0]?.key).toMatch(/^[0-9a-f-]{36}$/);
  expect(page.field.value).toBe("");
  expect(page.queries.getMutationCache().getAll()).toEqual([]);
  await page.leave();
});

it("sends a message again under its key after a lost connection, and gives no text back", async () => {
  answers = [lost, () => Response.json({ error: "late", code: "storage" }, { status: 503 })];
  const page = await shown();
  await page.write("once");
  await page.click("Send");
  expect(page.field.value).toBe("");
  expect(page.text).toContain("once");
  expect(page.text).toContain("It is asked again.");
  await page.pass(10_000);
  expect(sent.map((one) => one.message)).toEqual(["once", "once", "once"]);
  expect(new Set(sent.map((one) => one.key)).size).toBe(1);
  expect(page.text).not.toContain("once");
  await page.leave();
});

it("asks a person after many attempts, and sends under the same key", async () => {
  answers = Array(8).fill(lost);
  const page = await shown();
  await page.write("once");
  await page.click("Send");
  await page.pass(120_000);
  expect(sent.length).toBe(8);
  expect(page.text).toContain("It is not known whether this was accepted.");
  await page.click("Send again");
  expect(sent.length).toBe(9);
  expect(new Set(sent.map((one) => one.key)).size).toBe(1);
  expect(page.text).not.toContain("once");
  await page.leave();
});

it("takes no refusal for certain after an attempt that may have been accepted", async () => {
  answers = [lost, refused, refused];
  const page = await shown();
  await page.write("once");
  await page.click("Send");
  await page.pass(5_000);
  for (const times of [2, 3, 4]) {
    expect(sent.length).toBe(times);
    expect(page.field.value).toBe("");
    if (times === 4) break;
    expect(page.text).toContain("It is not known whether this was accepted.");
    await page.click("Send again");
  }
  expect(new Set(sent.map((one) => one.key)).size).toBe(1);
  expect(page.text).not.toContain("once");
  await page.leave();
});

it("gives a refused text back, where nothing newer is written", async () => {
  answers = [refused];
  const page = await shown();
  await page.write("first");
  await page.click("Send");
  expect(page.field.value).toBe("first");
  expect(page.text).toContain("too many messages");
  expect(sent.length).toBe(1);

  let refuse: (answer: Response) => void = () => undefined;
  answers = [() => new Promise<Response>((resolve) => (refuse = resolve))];
  await page.click("Send");
  await page.write("second");
  await page.do(() => refuse(refused()));
  expect(page.field.value).toBe("second");
  await page.click("Edit");
  expect(page.field.value).toBe("first\nsecond");
  await page.leave();
});

it("keeps a newer draft when an older message is refused after the page was left", async () => {
  let refuse: (answer: Response) => void = () => undefined;
  answers = [() => new Promise<Response>((resolve) => (refuse = resolve))];
  const page = await shown();
  await page.write("older");
  await page.click("Send");
  await page.leave();
  const again = await shown(page.queries);
  await again.write("newer");
  await again.do(() => refuse(refused()));
  expect(again.field.value).toBe("newer");
  expect(again.text).toContain("older");
  await again.leave();
  const later = await shown(page.queries);
  expect(later.field.value).toBe("newer");
  await later.leave();
});
