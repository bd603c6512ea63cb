import { expect, it } from "vitest";
import { counted, readinessOf } from "../../src/pages/dashboard/health.js";

it("counts the parts that work, also where the daemon says that one does not", () => {
  expect(counted(readinessOf(503, '{"status":"failed","parts":{"store":"ok","sms":"failed"}}'))).toBe(
    "1 of 2 parts work",
  );
});

it("is an error with a sentence while the daemon stops", () => {
  const answer = '{"error":"the daemon stops","code":"unavailable"}';
  expect(() => readinessOf(503, answer)).toThrow("the daemon stops");
});

it.each(["", "<html>", "null", "7", "{}", '{"parts":null}', '{"parts":[]}', '{"parts":7}'])(
  "is an error where %j answers",
  (text) => {
    expect(() => readinessOf(502, text)).toThrow("HTTP 502");
  },
);
