import { describe, expect, it } from "vitest";
import { LONGEST_SECONDS, readToken } from "../../src/app/token.js";

const NOW = Date.parse("2026-11-30T08:00:00Z");

function jwt(claims: unknown): string {
  const part = (value: unknown): string =>
    btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `${part({ alg: "HS256" })}.${part(claims)}.c2lnbmVk`;
}

describe("a pasted token", () => {
  it("names a user and an end", () => {
    const text = jwt({ sub: "ada", exp: NOW / 1_000 + 60 });
    expect(readToken(` ${text}\n`, NOW)).toEqual({ token: { text, user: "ada", expiresMs: NOW + 60_000 } });
  });

  it.each([
    ["nothing", "", "no JWT"],
    ["a service's token", "xsw_0123456789abcdef", "no JWT"],
    ["something with dots", "a.b.c", "no JWT"],
    ["a list", jwt([]), "names no user"],
    ["no user", jwt({ exp: NOW / 1_000 + 60 }), "names no user"],
    ["no end", jwt({ sub: "ada" }), "names no user or no end"],
    ["an end that is over", jwt({ sub: "ada", exp: NOW / 1_000 }), "has expired"],
    ["an end that is far", jwt({ sub: "ada", exp: NOW / 1_000 + LONGEST_SECONDS + 1 }), "too long for a browser"],
  ])("is not taken with %s", (_, text, sentence) => {
    const read = readToken(text, NOW);
    expect("problem" in read && read.problem).toContain(sentence);
  });
});
