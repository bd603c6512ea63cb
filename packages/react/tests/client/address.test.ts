import { describe, expect, it, vi } from "vitest";
import { addressOf, isSessionId, newId } from "../../src/client/address.js";
import { LONGEST_WAIT_MS, waitBefore } from "../../src/client/backoff.js";

const PAGE = "https://console.example/chat#part";

describe("addressOf", () => {
  it.each([
    [undefined, "wss://console.example/api/claude-chat/ws?session_id=s1"],
    ["http://127.0.0.1:8787", "ws://127.0.0.1:8787/api/claude-chat/ws?session_id=s1"],
    ["ws://127.0.0.1:8787/api/v1/claude-chat/ws", "ws://127.0.0.1:8787/api/v1/claude-chat/ws?session_id=s1"],
    ["/proxy/ws?team=7", "wss://console.example/proxy/ws?team=7&session_id=s1"],
  ])("of %s", (base, url) => {
    expect(addressOf(base, PAGE, "s1", null, "protocol")).toEqual({ url, protocols: [] });
  });

  it("puts a token into the URL only where that was asked for", () => {
    expect(addressOf("ws://h/", PAGE, "s1", "a.b", "query")).toEqual({
      url: "ws://h/api/claude-chat/ws?session_id=s1&token=a.b",
      protocols: [],
    });
    expect(addressOf("ws://h/", PAGE, "s1", "a.b", "protocol").url).not.toContain("a.b");
  });
});

describe("newId", () => {
  it("is a UUID of version 4, also outside a secure context", () => {
    expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(isSessionId(newId())).toBe(true);
    vi.stubGlobal("crypto", { getRandomValues: (bytes: Uint8Array) => bytes.fill(7) });
    expect(newId()).toBe("07070707-0707-4707-8707-070707070707");
    vi.unstubAllGlobals();
    expect(isSessionId("a b")).toBe(false);
  });
});

describe("waitBefore", () => {
  it("grows to 5 s and no further, and differs from page to page", () => {
    expect(waitBefore(0, 0)).toBe(125);
    expect(waitBefore(3, 1)).toBe(2_000);
    expect(waitBefore(1_000, 1)).toBe(LONGEST_WAIT_MS);
    expect(waitBefore(1_000, 0)).toBe(LONGEST_WAIT_MS / 2);
  });
});
