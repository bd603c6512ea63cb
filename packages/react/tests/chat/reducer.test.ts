import { describe, expect, it } from "vitest";
import { readFrame, type ServerFrame } from "../../src/chat/frames.js";
import { newState } from "../../src/chat/state.js";
import {
  ANSWER,
  ANSWER_TEXT,
  complete,
  connectedPage,
  FrameSource,
  failed,
  interrupted,
  NOW,
  Page,
  token,
} from "../recorded.js";

describe("an answer", () => {
  it("is put together from its frames", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    expect(page.submit("m", "Are there any conflicts?")).toEqual([
      { type: "user_message", content: "Are there any conflicts?", session_id: "s1", external_id: "m" },
    ]);
    expect(page.streaming).toBe(true);
    page.take(...ANSWER.map((wire) => source.keep(wire)), source.keep(complete("7")));
    const [question, answer] = page.state.messages;
    expect(question).toMatchObject({ status: "done", serverId: "7" });
    expect(answer).toMatchObject({
      content: ANSWER_TEXT,
      status: "done",
      costUsd: 0.01,
      usage: { inputTokens: 12, outputTokens: 34 },
      toolCalls: [{ id: "t1", status: "succeeded", offset: 13, input: { start_date: "2026-12-01" } }],
      artifacts: [{ id: "a1", type: "analysis", title: "Conflicts", data: { conflicts: [1, 2] } }],
    });
    expect(page.streaming).toBe(false);
  });

  it("stands behind its message, before one that waits", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "first");
    page.submit("b", "second");
    page.take(source.pass({ type: "queued", position: 1, reason: "an answer runs", message_id: "2" }));
    page.take(source.keep(token("One")));
    expect(page.lines).toEqual(["user answering: first", "assistant streaming: One", "user queued: second"]);
    expect(page.state.messages[2]).toMatchObject({ serverId: "2", queue: { position: 1, reason: "an answer runs" } });
    page.take(source.keep(complete("1")), source.keep(token("Two")), source.keep(complete("2")));
    expect(page.lines.at(-1)).toBe("assistant done: Two");
  });

  it("names in its end all messages that joined it", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "first");
    page.take(source.keep(token("One")));
    page.do({ kind: "submit", id: "b", content: "and this", mode: "steer", now: NOW });
    page.take(source.keep(token(" two")), source.keep(complete("1", "2")));
    expect(page.state.messages.map((message) => message.serverId)).toEqual(["1", null, "2"]);
    expect(page.streaming).toBe(false);
    expect(page.sent.at(-1)).toMatchObject({ mode: "steer" });
  });

  it("ends without a word where there was none", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "first");
    page.take(source.keep(interrupted("1", false)));
    expect(page.lines).toEqual(["user done: first", "assistant interrupted: "]);
  });

  it("that fails keeps what there was, and says why", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "first");
    page.take(source.keep(token("Half")), source.keep(failed("1")));
    expect(page.answers[0]).toMatchObject({ content: "Half", status: "failed" });
    expect(page.state.failure).toEqual({
      message: "Claude Code failed: the model is overloaded",
      code: "turn_failed",
      retryAfter: null,
    });
    page.submit("b", "again");
    expect(page.state.failure).toBeNull();
  });

  it("whose beginning was missed is read again from the history at its end", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.take(source.keep(token("...the end")));
    expect(page.answers[0]?.joinedLate).toBe(true);
    expect(page.take(source.keep(complete("1")))).toEqual([{ type: "get_history" }]);
  });

  it("leaves no tool running when it is stopped", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "first");
    page.take(...ANSWER.slice(0, 4).map((wire) => source.keep(wire)), source.keep(interrupted("1")));
    expect(page.answers[0]?.toolCalls[0]).toMatchObject({ status: "stopped", result: null });
  });
});

describe("a refusal", () => {
  it("of a message leaves the running answer alone", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "first");
    page.take(source.keep(token("One")));
    page.submit("b", "second");
    page.take(source.pass({ type: "error", message: "Rate limit exceeded", code: "rate_limited", retry_after: 20 }));
    expect(page.lines).toEqual(["user answering: first", "assistant streaming: One", "user refused: second"]);
    expect(page.state.failure?.retryAfter).toBe(20);
    page.take(source.keep(complete("1")));
    expect(page.streaming).toBe(false);
  });

  it("of something else than a message ends nothing", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "first");
    page.take(source.keep(token("One")));
    page.take(source.pass({ type: "error", message: "Internal error (1f)", code: "internal" }));
    expect(page.state.failure?.code).toBe("internal");
    expect(page.lines).toEqual(["user answering: first", "assistant streaming: One"]);
  });

  it("can be sent again, with the same id", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "first");
    page.take(source.pass({ type: "error", message: "Too many messages waiting", code: "overloaded", retry_after: 1 }));
    expect(page.do({ kind: "again", id: "a" })).toMatchObject([{ type: "user_message", external_id: "a" }]);
    expect(page.lines).toEqual(["user sent: first"]);
  });
});

describe("an interrupt", () => {
  it("is sent only while something runs", () => {
    const page = connectedPage(new FrameSource());
    expect(page.do({ kind: "interrupt" })).toEqual([]);
  });

  it("that came too late ends nothing", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "first");
    page.submit("b", "second");
    page.take(source.keep(complete("1")));
    page.do({ kind: "interrupt" });
    page.take(source.pass({ type: "interrupted", message: "No active generation", partial_response: false }));
    expect(page.state.stopping).toBe(false);
    expect(page.lines).toEqual(["user done: first", "assistant done: ", "user sent: second"]);
  });

  it("without a connection is sent with the next one", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "first");
    page.take(source.keep(token("One")));
    page.do({ kind: "lost" });
    expect(page.do({ kind: "interrupt" })).toEqual([]);
    expect(page.take(source.connected())).toContainEqual({ type: "interrupt" });
  });

  it("without a connection keeps from being sent what was not sent", () => {
    const source = new FrameSource();
    const page = new Page();
    page.submit("a", "first");
    page.do({ kind: "interrupt" });
    expect(page.lines).toEqual(["user unsent: first"]);
    expect(page.take(source.connected())).toEqual([]);
    expect(page.state.stopping).toBe(false);
  });

  it("of an older server lets no late token begin a new answer", () => {
    const page = new Page();
    const frame = (wire: object) => page.take({ ...wire, seq: null } as never);
    frame({ type: "connected", sessionId: "s1", historyCount: 0, title: null });
    page.submit("a", "first");
    frame({ type: "token", content: "One" });
    frame({ type: "interrupted", message: "Generation stopped by user", partial: true, messageIds: [] });
    frame({ type: "token", content: " late" });
    frame({ type: "complete", usage: null, costUsd: null, messageIds: [] });
    expect(page.lines).toEqual(["user done: first", "assistant interrupted: One"]);
  });
});

describe("what was written elsewhere", () => {
  it("is shown with its author, and answered in its place", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.take(source.keep({ type: "user_message", id: "9", by: "bob", content: "from my phone" }));
    page.take(source.keep(token("Hello Bob")), source.keep(complete("9")));
    expect(page.state.messages[0]).toMatchObject({ by: "bob", serverId: "9", status: "done" });
    expect(page.lines[1]).toBe("assistant done: Hello Bob");
  });

  it("is shown once, also where the same text was written here", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("mine", "hello");
    const elsewhere = source.keep({ type: "user_message", id: "9", by: "ann", content: "hello", external_id: "other" });
    page.take(elsewhere, elsewhere, source.keep({ type: "user_message", id: "9", by: "ann", content: "hello" }));
    expect(page.lines).toEqual(["user sent: hello", "user sent: hello"]);
  });
});

describe("a confirmation", () => {
  const request = {
    type: "confirm_request",
    id: "c1",
    tool: "residency__execute_swap",
    input: { shift: 7 },
    summary: "Swap shift 7",
    expires_at: "2026-11-30T09:00:00Z",
  };

  it("is answered once", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "swap");
    page.take(source.keep(request));
    expect(page.do({ kind: "confirm", id: "c1", decision: "allow", note: "fine" })).toEqual([
      { type: "confirm", id: "c1", decision: "allow", note: "fine" },
    ]);
    expect(page.do({ kind: "confirm", id: "c1", decision: "deny", note: null })).toEqual([]);
  });

  it("can be answered again where the answer may have been lost", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "swap");
    page.take(source.keep(request));
    page.do({ kind: "confirm", id: "c1", decision: "allow", note: null });
    page.do({ kind: "lost" });
    page.take(source.connected());
    expect(page.do({ kind: "confirm", id: "c1", decision: "allow", note: null })).toHaveLength(1);
  });

  it("goes when it was answered elsewhere, and with its answer", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "swap");
    page.take(source.keep(request), source.keep({ type: "confirm_resolved", id: "c1", decision: "deny", by: "bob" }));
    expect(page.state.confirmations).toEqual([]);
    page.take(source.keep({ ...request, id: "c2" }), source.keep(complete("1")));
    expect(page.state.confirmations).toEqual([]);
  });
});

describe("facts beside the answer", () => {
  it("are the newest that were told", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    for (let number = 1; number <= 7; number += 1)
      page.take(source.pass({ type: "notice", message: `notice ${number}` }));
    page.take(source.pass({ type: "presence", users: [{ id: "bob", state: "writing" }, "nobody"] }));
    page.take(source.keep({ type: "session_updated", title: "Conflicts in December" }));
    expect(page.state.notices.map((notice) => notice.message)).toEqual([3, 4, 5, 6, 7].map((n) => `notice ${n}`));
    expect(page.state.presence).toEqual([{ id: "bob", state: "writing" }]);
    expect(page.state.title).toBe("Conflicts in December");
    page.do({ kind: "dismiss", notice: page.state.notices[0]?.id ?? -1 });
    expect(page.state.notices).toHaveLength(4);
  });
});

describe("a page that comes back too late for a replay", () => {
  const user = (id: string, content: string, status: string): object => ({
    id,
    role: "user",
    content,
    timestamp: NOW,
    status,
  });
  const assistant = (id: string, content: string): object => ({
    id,
    role: "assistant",
    content,
    timestamp: NOW,
    status: "completed",
  });

  it("gets the history, then the running answer from its beginning", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "first");
    page.take(source.keep(token("One")), source.keep(complete("1")));
    page.submit("b", "second");
    page.take(source.keep(token("Half of ")));
    page.do({ kind: "lost" });

    const later = new FrameSource(1_000);
    const hello = later.connected("s1", 4);
    expect(page.take(hello)).toContainEqual({ type: "resume", after_seq: 3 });
    const before = hello.seq ?? 0;
    const entries = [user("1", "first", "completed"), assistant("x", "One"), user("2", "second", "running")];
    page.take(historyFrame(before, entries), later.keep(token("(started again) ")), later.keep(token("all of it")));
    page.take(later.pass({ type: "resumed" }), later.keep(complete("2")));
    expect(page.lines).toEqual([
      "user done: first",
      "assistant done: One",
      "user done: second",
      "assistant done: (started again) all of it",
    ]);
    expect(page.state.messages.map((message) => message.id).slice(0, 3)).toEqual(["a", "answer:0", "b"]);
  });

  it("shows an answer that has ended meanwhile once", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "first");
    page.take(source.keep(token("One")));
    const entries = [user("1", "first", "completed"), assistant("x", "One and all")];
    page.take(source.pass({ type: "history", messages: entries }));
    expect(page.lines).toEqual(["user done: first", "assistant done: One and all"]);
    expect(page.streaming).toBe(false);
  });

  it("keeps what a history does not tell", () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "first");
    page.take(...ANSWER.map((wire) => source.keep(wire)), source.keep(complete("1")));
    const told = page.answers[0];
    page.take(
      source.pass({ type: "history", messages: [user("1", "first", "completed"), assistant("x", ANSWER_TEXT)] }),
    );
    expect(page.answers[0]).toMatchObject({ id: told?.id, artifacts: told?.artifacts, toolCalls: told?.toolCalls });
  });

  it("opened anew asks for all, and shows that an answer is awaited", () => {
    const page = new Page();
    const source = new FrameSource(500);
    const hello = source.connected("s1", 1);
    expect(page.take(hello)).toEqual([{ type: "resume", after_seq: 0 }]);
    page.take(historyFrame(hello.seq ?? 0, [user("1", "first", "running")]), source.pass({ type: "resumed" }));
    expect(page.streaming).toBe(true);
    page.take(source.keep(token("One")), source.keep(complete("1")));
    expect(page.lines).toEqual(["user done: first", "assistant done: One"]);
    expect(page.answers[0]?.joinedLate).toBe(false);
  });

  it("names the messages whose ends it has not seen", () => {
    const page = new Page();
    const source = new FrameSource(500);
    const hello = source.connected("s1", 1);
    page.take(hello);
    page.take(historyFrame(hello.seq ?? 0, [user("1", "first", "running")]), source.pass({ type: "resumed" }));
    page.do({ kind: "lost" });
    const [resume] = page.take(new FrameSource(1_000).connected("s1", 1));
    expect(resume).toMatchObject({ type: "resume", open: ["1"] });
  });
});

function historyFrame(seq: number, messages: readonly object[]): ServerFrame {
  const frame = readFrame(JSON.stringify({ type: "history", messages, seq }));
  if (frame === null) throw new Error("no history");
  return frame;
}

describe("an edit", () => {
  const told = () => {
    const source = new FrameSource();
    const page = connectedPage(source);
    page.submit("a", "frist");
    page.take(source.keep(token("?")), source.keep(complete("1")));
    page.submit("b", "second");
    page.take(source.keep(token("!")), source.keep(complete("2")));
    return { source, page };
  };

  it("asks anew from its message", () => {
    const { source, page } = told();
    expect(page.do({ kind: "edit", id: "a", content: "first", now: NOW })).toEqual([
      { type: "edit", message_id: "1", content: "first" },
    ]);
    page.take(source.keep(token("Yes")), source.keep(complete("3")));
    expect(page.lines).toEqual(["user done: first", "assistant done: Yes"]);
    expect(page.state.messages[0]?.serverId).toBe("3");
  });

  it("that is refused brings back what it took away", () => {
    const { source, page } = told();
    page.do({ kind: "edit", id: "a", content: "first", now: NOW });
    const sent = page.take(source.pass({ type: "error", message: "Rate limit exceeded", code: "rate_limited" }));
    expect(sent).toEqual([{ type: "get_history" }]);
  });

  it("waits until nothing runs", () => {
    const { page } = told();
    page.submit("c", "third");
    expect(page.do({ kind: "edit", id: "a", content: "first", now: NOW })).toEqual([]);
  });
});

describe("another session", () => {
  it("than the one that was asked for shows nothing of that one", () => {
    const page = new Page({ ...newState("s1"), lastSeq: 40, title: "Not mine" });
    page.submit("a", "kept");
    expect(page.take(new FrameSource(90).connected("s2"))).toEqual([
      { type: "user_message", content: "kept", session_id: "s2", external_id: "a" },
    ]);
    expect(page.state).toMatchObject({ sessionId: "s2", title: null, lastSeq: 89 });
  });
});
