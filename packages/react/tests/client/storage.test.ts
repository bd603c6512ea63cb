import { describe, expect, it } from "vitest";
import { newAnswer, userMessage } from "../../src/chat/records.js";
import { type ChatState, newState } from "../../src/chat/state.js";
import { ChatStorage, KEPT_SESSIONS, LONGEST_RECORD } from "../../src/client/storage.js";
import { NOW } from "../recorded.js";
import { MemoryShelf } from "./server.js";

function chat(id: string, content = "hello"): ChatState {
  return { ...newState(id), lastSeq: 7, counter: 3, messages: [userMessage("m", content, NOW, "done")] };
}

describe("the storage of a browser", () => {
  it("keeps the newest 20 sessions, and nothing of older ones", () => {
    const shelf = new MemoryShelf();
    const storage = new ChatStorage(shelf, "ann");
    for (let number = 1; number <= KEPT_SESSIONS + 5; number += 1) {
      storage.setDraft(`s${number}`, "half a sentence");
      storage.save(chat(`s${number}`), NOW);
    }
    storage.save(chat("s10"), NOW);
    expect(storage.sessions().map((session) => session.id)).toEqual(
      ["s10", ...Array.from({ length: 20 }, (_, place) => `s${25 - place}`)].filter(
        (id, at) => at === 0 || id !== "s10",
      ),
    );
    expect([...shelf.items.keys()].some((key) => key.endsWith(":s1") || key.endsWith(":s5"))).toBe(false);
    expect(storage.load("s1", NOW).messages).toEqual([]);
  });

  it("gives a session back as it was", () => {
    const storage = new ChatStorage(new MemoryShelf(), "ann");
    const state = { ...chat("s1"), title: "Conflicts" };
    storage.save(state, NOW);
    expect(storage.load("s1", NOW)).toEqual(state);
    expect(storage.sessions()[0]).toEqual({
      id: "s1",
      title: "Conflicts",
      createdAt: NOW,
      updatedAt: NOW,
      messageCount: 1,
    });
  });

  it("keeps two people of one browser apart", () => {
    const shelf = new MemoryShelf();
    new ChatStorage(shelf, "ann").save(chat("s1"), NOW);
    const other = new ChatStorage(shelf, "bob");
    expect(other.sessions()).toEqual([]);
    expect(other.load("s1", NOW).messages).toEqual([]);
  });

  it("keeps of a long session what the server does not have", () => {
    const storage = new ChatStorage(new MemoryShelf(), "ann");
    const answer = { ...newAnswer("answer:0", NOW, false), content: "x".repeat(LONGEST_RECORD) };
    const unsent = userMessage("u", "not there yet", NOW, "waiting");
    storage.save({ ...chat("s1"), messages: [userMessage("m", "hi", NOW, "done"), answer, unsent] }, NOW);
    const loaded = storage.load("s1", NOW);
    expect(loaded.lastSeq).toBeNull();
    expect(loaded.messages.map((message) => message.content)).toEqual(["hi", "not there yet"]);
  });

  it("sends nothing by itself that was not sent before a reload", () => {
    const storage = new ChatStorage(new MemoryShelf(), "ann");
    const messages = [userMessage("w", "waits", NOW, "waiting"), userMessage("s", "was sent", NOW, "sent")];
    storage.save({ ...newState("s1"), messages }, NOW);
    const statuses = (now: string) => storage.load("s1", now).messages.map((message) => message.status);
    expect(statuses("2026-11-30T08:01:00.000Z")).toEqual(["unsent", "uncertain"]);
    expect(statuses("2026-12-01T08:00:00.000Z")).toEqual(["unsent", "unsent"]);
  });

  it("makes room where it is full", () => {
    const shelf = new MemoryShelf();
    const storage = new ChatStorage(shelf, "ann");
    storage.save(chat("old", "x".repeat(5_000)), NOW);
    shelf.room = 9_000;
    storage.save(chat("new", "y".repeat(5_000)), NOW);
    expect(storage.load("new", NOW).messages).toHaveLength(1);
    expect(storage.load("old", NOW).messages).toEqual([]);
  });

  it("works without a browser's leave", () => {
    const forbidden = {
      getItem: () => {
        throw new DOMException("no", "SecurityError");
      },
      setItem: () => {
        throw new DOMException("no", "SecurityError");
      },
      removeItem: () => {
        throw new DOMException("no", "SecurityError");
      },
    };
    for (const shelf of [forbidden, null]) {
      const storage = new ChatStorage(shelf, "ann");
      storage.save(chat("s1"), NOW);
      storage.setDraft("s1", "text");
      storage.forget("s1");
      expect(storage.sessions()).toEqual([]);
      expect(storage.draft("s1")).toBe("");
    }
  });

  it.each(["not JSON", "7", '{"version":1}', '{"version":2,"savedAt":"","counter":1,"lastSeq":null,"messages":[]}'])(
    "takes no notice of a record that is %s",
    (text) => {
      const shelf = new MemoryShelf();
      shelf.items.set("xswarm:ann:session:s1", text);
      shelf.items.set("xswarm:ann:sessions", text);
      const storage = new ChatStorage(shelf, "ann");
      expect(storage.load("s1", NOW)).toEqual(newState("s1"));
      expect(storage.sessions()).toEqual([]);
    },
  );

  it("forgets a session with its draft", () => {
    const shelf = new MemoryShelf();
    const storage = new ChatStorage(shelf, "ann");
    storage.save(chat("s1"), NOW);
    storage.setCurrent("s1");
    storage.setDraft("s1", "half");
    storage.forget("s1");
    expect([storage.sessions(), storage.current(), storage.draft("s1")]).toEqual([[], null, ""]);
  });
});
