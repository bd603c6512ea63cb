import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Artifact } from "../../src/chat/state.js";
import { ChatClient, type ChatClientOptions } from "../../src/client/client.js";
import { ChatStorage } from "../../src/client/storage.js";
import { complete, token } from "../recorded.js";
import { FakeSocket, installSocket, MemoryShelf, Server } from "./server.js";

let client: ChatClient;
let server: Server;
let shelf: MemoryShelf;
const artifacts: Artifact[] = [];
const sessions: string[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  installSocket();
  server = new Server();
  shelf = new MemoryShelf();
  artifacts.length = 0;
  sessions.length = 0;
});

afterEach(() => {
  client.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function made(options: Partial<ChatClientOptions> = {}): ChatClient {
  client = new ChatClient({
    sessionId: "s1",
    token: () => undefined,
    tokenPlace: "protocol",
    storage: new ChatStorage(shelf, "ann"),
    onArtifact: (artifact) => artifacts.push(artifact),
    onSession: (id) => sessions.push(id),
    ...options,
  });
  client.start();
  return client;
}

function contents(): string[] {
  return client.getState().messages.map((message) => message.content);
}

/** Lets everything happen that is due now. */
async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

describe("the connection", () => {
  it("carries the token in the subprotocol, not in the URL", async () => {
    made({ url: "https://swarm.example", token: () => "a.b.c" });
    await settle();
    expect(FakeSocket.last.url).toBe("wss://swarm.example/api/claude-chat/ws?session_id=s1");
    expect(FakeSocket.last.protocols).toEqual(["bearer", "a.b.c"]);
  });

  it("comes back by itself, never later than 5 s, and at once when the network does", async () => {
    made();
    await settle();
    for (let failure = 1; failure <= 8; failure += 1) {
      const known = FakeSocket.opened.length;
      FakeSocket.last.ends(1006);
      expect(client.getState().connection).toBe("reconnecting");
      await vi.advanceTimersByTimeAsync(5_000);
      expect(FakeSocket.opened.length).toBeGreaterThan(known);
    }
    FakeSocket.last.ends(1006);
    const known = FakeSocket.opened.length;
    window.dispatchEvent(new Event("online"));
    await settle();
    expect(FakeSocket.opened).toHaveLength(known + 1);
    server.connect(FakeSocket.last);
    expect(client.getState().connection).toBe("open");
  });

  it("is tried at once when the page is looked at again", async () => {
    made();
    await settle();
    for (let failure = 1; failure <= 6; failure += 1) {
      FakeSocket.last.ends(1006);
      if (failure < 6) await vi.advanceTimersByTimeAsync(5_000);
    }
    const known = FakeSocket.opened.length;
    document.dispatchEvent(new Event("visibilitychange"));
    await settle();
    expect(FakeSocket.opened).toHaveLength(known + 1);
  });

  it("is replaced after the page was out of sight for long", async () => {
    made();
    await settle();
    server.connect(FakeSocket.last);
    const first = FakeSocket.last;
    const visibility = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    document.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(31_000);
    visibility.mockReturnValue("visible");
    document.dispatchEvent(new Event("visibilitychange"));
    await settle();
    expect(first.closed).toBe(true);
    expect(FakeSocket.last).not.toBe(first);
  });

  it("that was replaced says nothing any more", async () => {
    made();
    await settle();
    server.connect(FakeSocket.last);
    const first = FakeSocket.last;
    const { onclose, onmessage } = first;
    client.reconnect();
    await settle();
    server.connect(FakeSocket.last);
    expect([first.onclose, first.onmessage]).toEqual([null, null]);
    expect([onclose, onmessage]).not.toContain(null);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(FakeSocket.opened).toHaveLength(2);
  });

  it("is not opened where the page was left while its token came", async () => {
    let give: (token: string) => void = () => undefined;
    made({ token: () => () => new Promise((resolve) => (give = resolve)) });
    await settle();
    client.stop();
    give("late");
    await settle();
    expect(FakeSocket.opened).toHaveLength(0);
  });

  it("that never begins is tried again", async () => {
    made();
    await settle();
    await vi.advanceTimersByTimeAsync(16_000);
    expect(FakeSocket.opened.length).toBeGreaterThan(1);
    expect(FakeSocket.opened[0]?.closed).toBe(true);
  });

  it.each([
    [1000, "", "The server closed the conversation"],
    [4001, "Invalid token", "Invalid token"],
    [4003, "Admin access required", "Admin access required"],
  ])("that ends with %i is not tried again", async (code, reason, words) => {
    made({ token: () => "a.b.c" });
    await settle();
    FakeSocket.last.ends(code, reason);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.opened).toHaveLength(1);
    expect(client.getState()).toMatchObject({
      connection: "refused",
      failure: { message: words, code: `closed_${code}` },
    });
  });

  it("gets a new token once, where the old one has expired", async () => {
    const tokens = ["old", "new", "also bad"];
    made({ token: () => async () => tokens.shift() ?? null });
    await settle();
    FakeSocket.last.ends(4001);
    await settle();
    expect(FakeSocket.last.protocols).toEqual(["bearer", "new"]);
    FakeSocket.last.ends(4001);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.opened).toHaveLength(2);
    expect(client.getState().connection).toBe("refused");
  });

  it("waits where a token cannot be got, and tries again", async () => {
    let fails = true;
    made({ token: () => () => (fails ? Promise.reject(new Error("offline")) : Promise.resolve("t")) });
    await settle();
    expect(FakeSocket.opened).toHaveLength(0);
    fails = false;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(FakeSocket.opened).toHaveLength(1);
  });
});

describe("messages", () => {
  it("that are sent without a connection go out with the next one, once", async () => {
    made();
    client.sendMessage("hello");
    await settle();
    server.connect(FakeSocket.last);
    expect(FakeSocket.last.sent).toMatchObject([{ type: "user_message", content: "hello", session_id: "s1" }]);
    FakeSocket.last.ends(1006);
    await vi.advanceTimersByTimeAsync(5_000);
    server.connect(FakeSocket.last, "s1", 1);
    expect(FakeSocket.last.sent).toMatchObject([{ type: "resume" }, { type: "get_history" }]);
  });

  it("that the server does not have are sent again with the same id", async () => {
    made();
    await settle();
    server.connect(FakeSocket.last);
    client.sendMessage("hello");
    const first = FakeSocket.last.sent.at(-1);
    FakeSocket.last.ends(1006);
    await vi.advanceTimersByTimeAsync(5_000);
    server.connect(FakeSocket.last);
    server.say(FakeSocket.last, { type: "history", messages: [] });
    expect(FakeSocket.last.sent.at(-1)).toEqual(first);
  });

  it("are resumed after the last frame that came", async () => {
    made();
    await settle();
    server.connect(FakeSocket.last);
    client.sendMessage("hello");
    server.say(FakeSocket.last, token("One "), token("two "));
    FakeSocket.last.ends(1006);
    await vi.advanceTimersByTimeAsync(5_000);
    FakeSocket.last.says({ type: "connected", session_id: "s1", history_count: 1, seq: 6 });
    expect(FakeSocket.last.sent).toEqual([{ type: "resume", after_seq: 3 }]);
    FakeSocket.last.says({ ...token("four"), seq: 7 });
    FakeSocket.last.says({ ...token("three "), seq: 4 });
    await vi.advanceTimersByTimeAsync(2_000); // a server that does not say `resumed`
    expect(contents()).toEqual(["hello", "One two three four"]);
  });

  it("that are no frames are not noticed", async () => {
    made();
    await settle();
    server.connect(FakeSocket.last);
    const before = client.getState();
    FakeSocket.last.says("not JSON");
    FakeSocket.last.says({ type: "of tomorrow", seq: 9 });
    FakeSocket.last.onmessage?.({ data: new ArrayBuffer(3) });
    expect(client.getState()).toBe(before);
  });

  it("show tokens that come together in one change", async () => {
    made();
    await settle();
    server.connect(FakeSocket.last);
    client.sendMessage("hello");
    let changes = 0;
    client.subscribe(() => {
      changes += 1;
    });
    for (let number = 0; number < 200; number += 1) server.say(FakeSocket.last, token("x"));
    await vi.advanceTimersByTimeAsync(50);
    expect(changes).toBe(1);
    expect(contents()[1]).toBe("x".repeat(200));
  });

  it("tell of writing at most every 3 s", async () => {
    made();
    await settle();
    server.connect(FakeSocket.last);
    client.typing();
    client.typing();
    await vi.advanceTimersByTimeAsync(3_000);
    client.typing();
    expect(FakeSocket.last.sent).toEqual([{ type: "typing" }, { type: "typing" }]);
  });
});

describe("artifacts", () => {
  const artifact = { type: "artifact", id: "a1", kind: "schedule", title: "December", data: [] };

  it("are told once while the page is open, and not again from the history", async () => {
    made();
    await settle();
    server.connect(FakeSocket.last);
    client.sendMessage("make it");
    server.say(FakeSocket.last, token("Here"), artifact, artifact, complete("1"));
    const old = { id: "a0", type: "report", title: "Old", data: 1 };
    server.say(FakeSocket.last, {
      type: "history",
      messages: [
        { id: "0", role: "user", content: "before", timestamp: "" },
        { id: "0", role: "assistant", content: "yes", timestamp: "", artifacts: [old] },
      ],
    });
    expect(artifacts.map((one) => one.id)).toEqual(["a1"]);
  });
});

describe("a reload", () => {
  it("shows what was there, and resumes after it", async () => {
    made();
    await settle();
    server.connect(FakeSocket.last);
    client.sendMessage("hello");
    server.say(FakeSocket.last, token("One "));
    window.dispatchEvent(new Event("pagehide"));
    client.stop();

    made();
    expect(contents()).toEqual(["hello", "One "]);
    await settle();
    FakeSocket.last.says({ type: "connected", session_id: "s1", history_count: 1, seq: 5 });
    expect(FakeSocket.last.sent).toEqual([{ type: "resume", after_seq: 2 }]);
    FakeSocket.last.says({ ...token("two"), seq: 3 });
    FakeSocket.last.says({ ...complete("1"), seq: 4 });
    FakeSocket.last.says({ type: "resumed", seq: 6 });
    expect(contents()).toEqual(["hello", "One two"]);
  });

  it("shows nothing of a session that is another user's", async () => {
    made();
    await settle();
    server.connect(FakeSocket.last);
    client.sendMessage("hello");
    server.connect(FakeSocket.last, "s2");
    expect(contents()).toEqual([]);
    expect(sessions).toEqual(["s2"]);
  });
});
