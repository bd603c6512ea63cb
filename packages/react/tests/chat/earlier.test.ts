import { describe, expect, it } from "vitest";
import { isEmpty } from "../../src/chat/state.js";
import { connectedPage, FrameSource, NOW, Page, type Wire } from "../recorded.js";

const said = (id: string, role = "user"): Wire => ({ type: "", id, role, content: id, timestamp: NOW });

function history(ids: readonly string[], more: object = {}): Wire {
  return { type: "history", messages: ids.map((id) => said(id)), ...more };
}

describe("earlier messages", () => {
  it("are asked for once, and come before the others", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.take(source.pass(history(["3", "4"], { earlier: true })));
    expect(page.state.earlier).toBe("some");
    expect(page.do({ kind: "earlier" })).toEqual([{ type: "get_history", before: "3", limit: 40 }]);
    expect(page.do({ kind: "earlier" })).toEqual([]);
    page.take(source.pass(history(["1", "2"], { earlier: false, before: "3" })));
    expect(page.state.messages.map((message) => message.serverId)).toEqual(["1", "2", "3", "4"]);
    expect(page.state.earlier).toBe("none");
    expect(page.do({ kind: "earlier" })).toEqual([]);
  });

  it("stay when the newest ones are read again, and go with what was before them", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.take(source.pass(history(["3", "4"], { earlier: true })));
    page.do({ kind: "earlier" });
    page.take(source.pass(history(["2"], { earlier: true, before: "3" })));
    page.take(source.pass(history(["3", "5"], { earlier: true })));
    expect(page.state.messages.map((message) => message.serverId)).toEqual(["2", "3", "5"]);
    page.take(source.pass(history(["7", "8"], { earlier: true })));
    expect(page.state.messages.map((message) => message.serverId)).toEqual(["7", "8"]);
    expect(page.state.earlier).toBe("some");
  });

  it("that come too late change nothing", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.take(source.pass(history(["3"], { earlier: true })));
    page.do({ kind: "earlier" });
    page.take(source.pass(history(["9"], { earlier: true })));
    page.take(source.pass(history(["1"], { earlier: true, before: "3" })));
    expect(page.state.messages.map((message) => message.serverId)).toEqual(["9"]);
    expect(page.do({ kind: "earlier" })).toHaveLength(1);
  });

  it("are asked for again after a lost connection", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.take(source.pass(history(["3"], { earlier: true })));
    page.do({ kind: "earlier" });
    page.do({ kind: "lost" });
    expect(page.do({ kind: "earlier" })).toEqual([]);
    expect(page.state.earlier).toBe("some");
  });
});

describe("a conversation", () => {
  it("is empty only once the server has told that nothing was said", () => {
    expect(isEmpty(new Page().state)).toBe(false);
    const source = new FrameSource();
    const page = connectedPage(source, 2);
    expect(isEmpty(page.state)).toBe(false);
    page.take(source.pass(history(["1"], { earlier: false })));
    expect(isEmpty(page.state)).toBe(false);
    expect(isEmpty(connectedPage(new FrameSource()).state)).toBe(true);
  });
});
