import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { call, Refused } from "../../src/app/api.js";
import { askWhoItIs, isAddress, leave, signedIn, signIn, signOut } from "../../src/app/session.js";

const TOKEN = `e30.${btoa(JSON.stringify({ sub: "ada", exp: Date.now() / 1_000 + 600 })).replaceAll("=", "")}.x`;

function answer(status: number, body: unknown): void {
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(body), { status }));
}

beforeEach(() => {
  vi.useFakeTimers();
  expect(signIn(TOKEN)).toBeNull();
});

afterEach(() => {
  leave(null);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("who is signed in", () => {
  it("is kept in this tab only, until the token ends", () => {
    expect(sessionStorage.getItem("xswarm:token")).toBe(TOKEN);
    expect(localStorage.length).toBe(0);
    vi.advanceTimersByTime(601_000);
    expect(signedIn()).toMatchObject({ user: null, token: null, why: "Your token has expired." });
    expect(sessionStorage.length).toBe(0);
  });

  it("is nobody after a 401, and still there after another refusal", async () => {
    answer(404, { error: "There is no such chat", code: "session_not_found", remedy: "look at the list" });
    await expect(call("/api/x")).rejects.toMatchObject({ status: 404, remedy: "look at the list" });
    expect(signedIn().token?.user).toBe("ada");
    answer(401, { error: "Not authenticated", code: "not_authenticated" });
    await expect(call("/api/x")).rejects.toBeInstanceOf(Refused);
    expect(signedIn().token).toBeNull();
  });

  it("sends the token in a header", async () => {
    const fetched = vi.fn(async (_path: string, _init: RequestInit) => new Response(null, { status: 204 }));
    vi.stubGlobal("fetch", fetched);
    expect(await call("/api/x", { method: "DELETE" })).toBeUndefined();
    const [path, init] = fetched.mock.calls[0] ?? [];
    expect(path).toBe("/api/x");
    expect(new Headers(init?.headers).get("Authorization")).toBe(`Bearer ${TOKEN}`);
  });

  it("is whom the cookie names where no token is kept, until they sign out", async () => {
    leave(null);
    answer(200, { user_id: "bob", name: "Bob", role: "ADMIN" });
    await askWhoItIs();
    expect(signedIn()).toMatchObject({ user: "bob", token: null, isAsking: false });
    await signOut();
    expect(signedIn().user).toBeNull();
  });

  it("is nobody where the daemon knows no cookie, or does not answer", async () => {
    leave(null);
    answer(401, { error: "Not authenticated", code: "not_authenticated" });
    await askWhoItIs();
    expect(signedIn()).toMatchObject({ user: null, isAsking: false });
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
    await askWhoItIs();
    expect(signedIn()).toMatchObject({ user: null, isAsking: false });
  });

  it("is not asked for at an address, where no cookie counts", () => {
    expect(["127.0.0.1", "[::1]"].map(isAddress)).toEqual([true, true]);
    expect(["localhost", "xswarm.example.org", "10.example"].map(isAddress)).toEqual([false, false, false]);
  });
});
