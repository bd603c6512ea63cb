import { describe, expect, it } from "vitest";
import { readFrame } from "../../src/chat/frames.js";

describe("readFrame", () => {
  it("reads an end with the messages that it names", () => {
    const text =
      '{"type":"complete","usage":{"input_tokens":1,"output_tokens":2},"cost_usd":0.5,"message_ids":["a","b"],"seq":7}';
    expect(readFrame(text)).toEqual({
      type: "complete",
      usage: { inputTokens: 1, outputTokens: 2 },
      costUsd: 0.5,
      messageIds: ["a", "b"],
      seq: 7,
    });
  });

  it("reads message_id where there are no message_ids", () => {
    expect(readFrame('{"type":"error","message":"no","code":"turn_failed","message_id":"m"}')).toMatchObject({
      messageIds: ["m"],
      seq: null,
    });
  });

  it("gives a cost that is not known as null", () => {
    expect(readFrame('{"type":"complete","cost_usd":null}')).toMatchObject({
      costUsd: null,
      usage: null,
      messageIds: [],
    });
  });

  it("keeps a result that is no object", () => {
    expect(readFrame('{"type":"tool_result","id":"t","result":[1]}')).toMatchObject({ result: { result: [1] } });
  });

  it.each([
    "",
    "no JSON",
    "null",
    "[]",
    '"token"',
    "{}",
    '{"type":7}',
    '{"type":"constructor"}',
    '{"type":"__proto__"}',
    '{"type":"of tomorrow"}',
    '{"type":"token"}',
    '{"type":"token","content":7}',
    '{"type":"connected"}',
    '{"type":"history","messages":"none"}',
    '{"type":"tool_result","result":{}}',
    '{"type":"confirm_request","tool":"x"}',
  ])("takes no notice of %j", (text) => {
    expect(readFrame(text)).toBeNull();
  });
});
