import type { ReactElement } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { subjectOf } from "../../src/hooks/useChatStorage.js";
import { type ClaudeChat, type ClaudeChatOptions, useChatSessions, useClaudeChat } from "../../src/index.js";
import { FakeSocket, installSocket, MemoryShelf, Server } from "../client/server.js";
import { Rendered } from "../components/rendering.js";
import { complete, token } from "../recorded.js";

let page: Rendered;
let server: Server;
let shelf: MemoryShelf;
let chat: ClaudeChat;

beforeEach(() => {
  vi.useFakeTimers();
  installSocket();
  server = new Server();
  shelf = new MemoryShelf();
  page = new Rendered();
});

afterEach(async () => {
  await page.remove();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function Chat({
  id,
  options,
}: {
  readonly id?: string | undefined;
  readonly options?: ClaudeChatOptions;
}): ReactElement {
  chat = useClaudeChat(id, { storage: shelf, ...options });
  const { sessions, currentId } = useChatSessions({ storage: shelf, ...options });
  return (
    <p>
      {currentId}: {sessions.map((session) => session.title).join(", ")}
    </p>
  );
}

function sessionOf(socket: FakeSocket): string | null {
  return new URL(socket.url).searchParams.get("session_id");
}

describe("useClaudeChat", () => {
  it("returns what its page needs", async () => {
    await page.show(<Chat id="s1" />);
    expect(chat).toMatchObject({ messages: [], isStreaming: false, error: null, connection: "connecting" });
    await page.do(() => server.connect(FakeSocket.last));
    await page.do(() => chat.sendMessage("hello"));
    expect(chat.isStreaming).toBe(true);
    await page.do(() => server.say(FakeSocket.last, token("Hi"), complete("1")));
    expect(chat.isStreaming).toBe(false);
    expect(chat.messages.map((message) => message.content)).toEqual(["hello", "Hi"]);
  });

  it("goes to another conversation when it is given another id, and comes back to what was there", async () => {
    await page.show(<Chat id="s1" />);
    await page.do(() => server.connect(FakeSocket.last));
    await page.do(() => chat.sendMessage("hello"));
    await page.do(() => server.say(FakeSocket.last, token("Hi"), complete("1")));
    const first = FakeSocket.last;
    await page.show(<Chat id="s2" />);
    expect(first.closed).toBe(true);
    expect(sessionOf(FakeSocket.last)).toBe("s2");
    expect(chat.messages).toEqual([]);
    await page.show(<Chat id="s1" />);
    expect(chat.messages.map((message) => message.content)).toEqual(["hello", "Hi"]);
    expect(page.text("p")).toBe("s1: hello");
  });

  it("without an id opens the conversation that was open last", async () => {
    await page.show(<Chat />);
    const id = sessionOf(FakeSocket.last);
    expect(id).toBe(chat.sessionId);
    await page.remove();
    page = new Rendered();
    await page.show(<Chat />);
    expect(sessionOf(FakeSocket.last)).toBe(id);
  });

  it("keeps its connection where the page follows to the session that the server gave", async () => {
    const given: string[] = [];
    const options = { onSession: (id: string) => given.push(id) };
    await page.show(<Chat id="s1" options={options} />);
    await page.do(() => server.connect(FakeSocket.last, "s9"));
    expect(given).toEqual(["s9"]);
    await page.show(<Chat id="s9" options={options} />);
    expect(FakeSocket.opened).toHaveLength(1);
    expect(chat.sessionId).toBe("s9");
  });

  it("connects again when the token is another one", async () => {
    await page.show(<Chat id="s1" options={{ token: "old", user: "ann" }} />);
    await page.do(() => FakeSocket.last.ends(4001, "Invalid token"));
    expect(chat).toMatchObject({ connection: "refused", error: "Invalid token" });
    await page.show(<Chat id="s1" options={{ token: "new", user: "ann" }} />);
    expect(FakeSocket.last.protocols).toEqual(["bearer", "new"]);
  });

  it("stops when its page goes", async () => {
    await page.show(<Chat id="s1" />);
    await page.show(<p />);
    expect(FakeSocket.last.closed).toBe(true);
    await page.do(() => undefined, 60_000);
    expect(FakeSocket.opened).toHaveLength(1);
  });
});

describe("subjectOf", () => {
  const jwt = (payload: object) => `h.${btoa(JSON.stringify(payload)).replaceAll("=", "")}.s`;

  it("is the user that a token names", () => {
    expect(subjectOf(jwt({ sub: "ann" }))).toBe("ann");
    expect([jwt({}), "no.token", "", undefined, () => "x"].map(subjectOf)).toEqual([null, null, null, null, null]);
  });
});
