/** Recorded answers in every order of interrupt, error, reconnection and repetition: always the same page at the end. */

import { describe, expect, it } from "vitest";
import type { ServerFrame } from "../../src/chat/frames.js";
import {
  ANSWER,
  ANSWER_TEXT,
  complete,
  connectedPage,
  FrameSource,
  failed,
  interrupted,
  NOW,
  type Page,
  token,
  type Wire,
} from "../recorded.js";

type Ending = "complete" | "interrupted" | "error";

const ENDINGS: readonly Ending[] = ["complete", "interrupted", "error"];

const STATUS = { complete: "done", interrupted: "interrupted", error: "failed" } as const;

/** How the frames of a conversation reach the page. */
interface Disturbance {
  /** Positions in the conversation after which the connection is lost. */
  readonly cuts: readonly number[];
  /** How many frames are made while the page has no connection. */
  readonly missed: number;
  /** How many new frames the page gets before the replay. */
  readonly early: number;
  /** Whether each frame comes twice. */
  readonly twice: boolean;
  /** Whether the server says that the replay is over. */
  readonly fence: boolean;
}

const CALM: Disturbance = { cuts: [], missed: 0, early: 0, twice: false, fence: true };

describe.each(ENDINGS)("a first answer with the end %s, and a second one", (ending) => {
  const conversation = recorded(ending);
  const wanted = linesOf(ending);

  it("are shown as they were", () => {
    expect(play(conversation, CALM).lines).toEqual(wanted);
  });

  it("are shown as they were with the connection lost anywhere, frames missed, early ones, repetitions", () => {
    let plays = 0;
    for (const disturbance of disturbances(conversation.length)) {
      const page = play(conversation, disturbance);
      expect(page.lines, JSON.stringify(disturbance)).toEqual(wanted);
      expect(page.streaming, JSON.stringify(disturbance)).toBe(false);
      expect(page.state.confirmations).toEqual([]);
      plays += 1;
    }
    expect(plays).toBeGreaterThan(500);
  });
});

describe("every order of an interrupt, an error, a reconnection and a repetition", () => {
  const orders = permutations(["interrupt", "error", "reconnect", "repeat"] as const);

  it.each(orders.map((order) => [order.join(", "), order] as const))("%s", (_, order) => {
    const source = new FrameSource();
    const page = connectedPage(source);
    const wanted: string[] = [];
    let last: ServerFrame | null = null;
    for (const [number, event] of order.entries()) {
      const id = String(number + 1);
      page.submit(`m${id}`, `question ${id}`);
      page.take(source.keep(token(`begun ${id}`)));
      if (event === "interrupt") page.do({ kind: "interrupt" });
      if (event === "reconnect") reconnect(page, source, [source.keep(token(", missed"))]);
      const end = event === "interrupt" ? interrupted(id) : event === "error" ? failed(id) : complete(id);
      const sent = source.keep(end);
      page.take(sent);
      if (event === "repeat") page.take(...source.log);
      if (last !== null) page.take(last);
      last = sent;
      const status = event === "interrupt" ? "interrupted" : event === "error" ? "failed" : "done";
      const text = `begun ${id}${event === "reconnect" ? ", missed" : ""}`;
      wanted.push(`user done: question ${id}`, `assistant ${status}: ${text}`);
      expect(page.lines).toEqual(wanted);
      expect(page.streaming).toBe(false);
    }
  });
});

/** Two questions; the first answer has the given end, the second waits for it. */
function recorded(ending: Ending): readonly Wire[] {
  const end = { complete: complete("1"), interrupted: interrupted("1"), error: failed("1") }[ending];
  return [...ANSWER, end, token("Second "), token("answer"), complete("2")];
}

function linesOf(ending: Ending): readonly string[] {
  return [
    "user done: first",
    `assistant ${STATUS[ending]}: ${ANSWER_TEXT}`,
    "user done: second",
    "assistant done: Second answer",
  ];
}

function* disturbances(length: number): Iterable<Disturbance> {
  for (const twice of [false, true]) {
    for (const fence of [false, true]) {
      for (let cut = 0; cut <= length; cut += 1) {
        for (let missed = 0; missed <= 3; missed += 1) {
          for (let early = 0; early <= 2; early += 1) yield { cuts: [cut], missed, early, twice, fence };
        }
        yield { cuts: [cut, cut + 2, cut + 5], missed: 1, early: 1, twice, fence };
      }
    }
  }
}

/** Plays a conversation to a page; the connection is lost as the disturbance says. */
function play(conversation: readonly Wire[], { cuts, missed, early, twice, fence }: Disturbance): Page {
  const source = new FrameSource();
  const page = connectedPage(source);
  page.submit("a", "first");
  page.submit("b", "second");
  page.take(source.pass({ type: "queued", position: 1, reason: "an answer runs", message_id: "2" }));
  const rest = [...conversation];
  const next = (count: number): ServerFrame[] => rest.splice(0, count).map((wire) => source.keep(wire));
  for (let position = 0; position <= conversation.length; position += 1) {
    if (cuts.includes(position)) reconnect(page, source, next(missed), () => next(early), fence);
    for (const frame of next(1)) page.take(frame, ...(twice ? [frame] : []));
  }
  return page;
}

/** Loses the connection, lets frames be made meanwhile, connects again, and replays as the server does. */
function reconnect(
  page: Page,
  source: FrameSource,
  _missed: readonly ServerFrame[],
  early: () => readonly ServerFrame[] = () => [],
  fence = true,
): void {
  page.do({ kind: "lost" });
  page.do({ kind: "connecting" });
  const sent = page.take(source.connected());
  page.take(...early());
  for (const frame of sent) {
    if (frame.type === "resume") {
      page.take(...source.after(frame.after_seq));
      if (fence) page.take(source.pass({ type: "resumed" }));
    } else if (frame.type === "get_history") {
      page.take(source.pass({ type: "history", messages: history(source) }));
    }
  }
  if (!fence) page.do({ kind: "replay_late", now: NOW });
}

/** The history of a server that has taken both messages and sent what is in its log. */
function history(source: FrameSource): readonly object[] {
  const entries: object[] = [];
  let id = 1;
  let content = "";
  const add = (role: string, text: string, status: string): void => {
    entries.push({ id: `${id}`, role, content: text, timestamp: NOW, status });
  };
  const question = (): string => (id === 1 ? "first" : "second");
  for (const frame of source.log) {
    if (frame.type === "token") content += frame.content;
    if (frame.type !== "complete" && frame.type !== "interrupted" && frame.type !== "error") continue;
    const status = { complete: "completed", interrupted: "cancelled", error: "failed" }[frame.type];
    add("user", question(), status);
    add("assistant", content, status);
    id += 1;
    content = "";
  }
  for (let status = "running"; id <= 2; id += 1, status = "pending") add("user", question(), status);
  return entries;
}

function permutations<T>(values: readonly T[]): readonly (readonly T[])[] {
  if (values.length <= 1) return [values];
  return values.flatMap((first, place) => permutations(values.toSpliced(place, 1)).map((rest) => [first, ...rest]));
}
