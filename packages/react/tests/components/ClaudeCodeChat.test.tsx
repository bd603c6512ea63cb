import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Artifact, ClaudeCodeChat, type ClaudeCodeChatProps } from "../../src/index.js";
import { FakeSocket, installSocket, MemoryShelf, Server } from "../client/server.js";
import { ANSWER, ANSWER_TEXT, complete, failed, interrupted, token, type Wire } from "../recorded.js";
import { Rendered } from "./rendering.js";

const FIELD = ".xswarm-composer textarea";
const SPOKEN = ".xswarm-chat > [role=status]";

let page: Rendered;
let server: Server;
let shelf: MemoryShelf;

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

async function open(props: ClaudeCodeChatProps = {}): Promise<void> {
  await page.show(<ClaudeCodeChat sessionId="s1" storage={shelf} {...props} />);
  await page.do(() => server.connect(FakeSocket.last));
}

async function say(...wires: readonly Wire[]): Promise<void> {
  await page.do(() => server.say(FakeSocket.last, ...wires));
}

async function ask(text: string): Promise<void> {
  await page.write(FIELD, text);
  await page.press(FIELD, "Enter");
}

describe("a conversation", () => {
  it("is shown while it comes, and told to a screen reader once", async () => {
    await open();
    await ask("Are there any conflicts?");
    expect(FakeSocket.last.sent.at(-1)).toMatchObject({ type: "user_message", content: "Are there any conflicts?" });
    expect(page.field(FIELD).value).toBe("");
    const spoken: string[] = [];
    const watcher = new MutationObserver(() => spoken.push(page.text(SPOKEN)));
    watcher.observe(page.element.querySelector(SPOKEN) as Element, {
      childList: true,
      characterData: true,
      subtree: true,
    });
    for (const wire of ANSWER) await say(wire);
    expect(page.texts(".xswarm-assistant .xswarm-text")).toEqual(["Let me look. ", "There are two."]);
    expect(page.text(".xswarm-tool summary")).toContain("residency__detect_conflicts done");
    expect(spoken).toEqual([]);
    await say(complete("1"));
    expect(spoken).toEqual([`Assistant: ${ANSWER_TEXT}`]);
    watcher.disconnect();
  });

  it("takes what people and tools write as text", async () => {
    await open();
    const evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>[a](javascript:alert(3))';
    await ask(evil);
    await say(token(evil), { type: "tool_call", id: "t", name: evil, input: { evil } }, complete("1"));
    expect(page.element.querySelector("img, script, a")).toBeNull();
    expect(page.text(".xswarm-assistant .xswarm-text")).toBe(evil);
  });

  it("has no style of an element, which a strict CSP refuses", async () => {
    await open({ examples: ["Try"] });
    await ask("x");
    for (const wire of ANSWER) await say(wire);
    expect(page.element.querySelector("[style], style")).toBeNull();
  });

  it("renders text by what it is given", async () => {
    await open({ renderText: (text) => <strong>{text.toUpperCase()}</strong> });
    await ask("x");
    await say(token("loud"), complete("1"));
    expect(page.text(".xswarm-assistant strong")).toBe("LOUD");
  });

  it("goes on in strict mode, with one connection", async () => {
    await page.show(
      <StrictMode>
        <ClaudeCodeChat sessionId="s1" storage={shelf} />
      </StrictMode>,
    );
    expect(FakeSocket.opened.filter((socket) => !socket.closed)).toHaveLength(1);
  });

  it("says what went wrong, until that is dismissed", async () => {
    await open();
    await ask("x");
    await say(token("Half"), failed("1"));
    expect(page.text("[role=alert]")).toContain("the model is overloaded");
    expect(page.text(".xswarm-state-failed")).toContain("the model is overloaded");
    await page.click("Dismiss");
    expect(page.element.querySelector("[role=alert]")).toBeNull();
  });
});

describe("the field", () => {
  it("sends nothing while an input method composes", async () => {
    await open();
    await page.write(FIELD, "にほん");
    await page.press(FIELD, "Enter", { isComposing: true });
    await page.press(FIELD, "Enter", { keyCode: 229 }); // Safari, at the end of the composition
    await page.press(FIELD, "Enter", { shiftKey: true });
    expect(FakeSocket.last.sent.filter((frame) => (frame as Wire).type === "user_message")).toEqual([]);
    expect(page.field(FIELD).value).toBe("にほん");
    await page.press(FIELD, "Enter");
    expect(FakeSocket.last.sent.at(-1)).toMatchObject({ content: "にほん" });
  });

  it("keeps its text over a reload and without a connection", async () => {
    await open();
    await page.write(FIELD, "half a sent");
    await page.do(() => FakeSocket.last.ends(1006));
    expect(page.field(FIELD).value).toBe("half a sent");
    await page.remove();
    page = new Rendered();
    await open();
    expect(page.field(FIELD).value).toBe("half a sent");
  });

  it("takes a message while an answer runs, after it, into it or instead of it", async () => {
    await open();
    await ask("first");
    await say(token("One"));
    await page.do(() => {
      const select = page.field("select") as unknown as HTMLSelectElement;
      select.value = "steer";
      select.dispatchEvent(new Event("change", { bubbles: true }));
    });
    await ask("and this");
    expect(FakeSocket.last.sent.at(-1)).toMatchObject({ content: "and this", mode: "steer" });
  });

  it("offers questions to begin with", async () => {
    await open({ examples: ["Are there any conflicts?"] });
    await page.click("Are there any conflicts?");
    expect(FakeSocket.last.sent.at(-1)).toMatchObject({ content: "Are there any conflicts?" });
    expect(page.element.querySelector(".xswarm-examples")).toBeNull();
  });
});

describe("stopping", () => {
  it.each(["the button", "Escape"])("by %s keeps what there was", async (way) => {
    await open();
    await ask("long");
    await say(token("Once upon"));
    if (way === "Escape") await page.press(FIELD, "Escape");
    else await page.click("Stop");
    expect(FakeSocket.last.sent.at(-1)).toEqual({ type: "interrupt" });
    expect(page.button("Stopping").disabled).toBe(true);
    await say(interrupted("1"));
    expect(page.text(".xswarm-assistant .xswarm-text")).toBe("Once upon");
    expect(page.text(".xswarm-state-interrupted")).toBe("Stopped");
    expect(page.texts("button")).not.toContain("Stop");
  });
});

describe("a question about a tool call", () => {
  const request = {
    type: "confirm_request",
    id: "c1",
    tool: "residency__execute_swap",
    input: { shift: 7, name: "Dr. Ada" },
    summary: "Swap shift 7",
    expires_at: "2126-11-30T09:00:00Z",
  };

  it("shows the exact call, and takes a decision with a note", async () => {
    await open();
    await ask("swap");
    await say(request);
    expect(page.text(SPOKEN)).toBe("The assistant asks: Swap shift 7");
    expect(JSON.parse(page.text(".xswarm-confirmation pre"))).toEqual(request.input);
    await page.write(".xswarm-confirmation input", "only this one");
    await page.click("Allow");
    expect(FakeSocket.last.sent.at(-1)).toEqual({
      type: "confirm",
      id: "c1",
      decision: "allow",
      note: "only this one",
    });
    expect(page.button("Deny").disabled).toBe(true);
    await say({ type: "confirm_resolved", id: "c1", decision: "allow", by: "ann" });
    expect(page.element.querySelector(".xswarm-confirmation")).toBeNull();
  });

  it("shows what a call hides, such as a text that is read backwards", async () => {
    await open();
    await ask("swap");
    const input = { command: "ls\u202e mr\u200b", tag: "a\u{e0041}b\u00a0c", more: "Zoë\n日本" };
    await say({ ...request, input, summary: "ls\u202e mr" });
    const shown = page.text(".xswarm-confirmation pre");
    for (const part of ["ls\\u202e mr\\u200b", "a\\u{e0041}b\\u00a0c", "Zoë\\n日本"]) expect(shown).toContain(part);
    expect(shown).toContain("\n  ");
    expect(page.text(".xswarm-confirmation .xswarm-title")).toContain("ls\\u202e mr");
  });

  it("is closed when its time is up", async () => {
    await open();
    await ask("swap");
    await say({ ...request, expires_at: new Date(Date.now() + 62_000).toISOString() });
    expect(page.text(".xswarm-confirmation")).toContain("Time left: 1:02");
    expect(page.button("Allow").disabled).toBe(false);
    await page.do(() => undefined, 63_000);
    expect(page.button("Allow").disabled).toBe(true);
    expect(page.text(".xswarm-confirmation")).toContain("Time is up");
  });
});

describe("an artifact", () => {
  it("is handed over when it comes, and when it is opened", async () => {
    const opened: Artifact[] = [];
    await open({ onArtifact: (artifact) => opened.push(artifact) });
    await ask("x");
    for (const wire of ANSWER) await say(wire);
    await page.click("Open Conflicts");
    const artifact = { id: "a1", type: "analysis", title: "Conflicts", data: { conflicts: [1, 2] } };
    expect(opened).toEqual([artifact, artifact]);
  });

  it("is shown in the chat where nobody takes it", async () => {
    await open();
    await ask("x");
    for (const wire of ANSWER) await say(wire);
    expect(JSON.parse(page.text(".xswarm-artifact pre"))).toEqual({ conflicts: [1, 2] });
  });
});

describe("a message", () => {
  it("that was sent can be changed and asked anew", async () => {
    await open();
    await ask("frist");
    await say(token("?"), complete("1"));
    await page.click("Edit");
    await page.write(".xswarm-editor textarea", "first");
    await page.click("Ask again");
    expect(FakeSocket.last.sent.at(-1)).toEqual({ type: "edit", message_id: "1", content: "first" });
    expect(page.texts(".xswarm-message .xswarm-text")).toEqual(["first"]);
  });

  it("that was refused can be sent again or removed", async () => {
    await open();
    await ask("x");
    await say({ type: "error", message: "Rate limit exceeded", code: "rate_limited", retry_after: 3 });
    await page.click("Send again");
    expect(FakeSocket.last.sent.filter((frame) => (frame as Wire).type === "user_message")).toHaveLength(2);
    await say({ type: "error", message: "Rate limit exceeded", code: "rate_limited", retry_after: 3 });
    await page.click("Remove");
    expect(page.texts(".xswarm-message")).toEqual([]);
  });
});

describe("a lost connection", () => {
  it("is told, and the answer goes on after it", async () => {
    await open();
    await ask("x");
    await say(token("One "));
    await page.do(() => FakeSocket.last.ends(1006));
    expect(page.text(".xswarm-notices")).toContain("The connection was lost");
    await page.click("Try now");
    await say(
      { type: "connected", session_id: "s1", history_count: 1 },
      { type: "resumed" },
      token("two"),
      complete("1"),
    );
    expect(page.text(".xswarm-assistant .xswarm-text")).toBe("One two");
    expect(page.texts(".xswarm-notices")).toEqual([""]);
  });
});
