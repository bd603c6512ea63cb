/** The rules of a chat, without a socket, a clock or a page: an input comes in, a state and frames to send come out. */

import { confirm, discard, dismiss, edit, interrupt, sendAgain, submit } from "./commands.js";
import { connected, disconnected } from "./connection.js";
import type { Decision, SendMode, ServerFrame } from "./frames.js";
import { askEarlier } from "./history.js";
import { userMessage } from "./records.js";
import { release, sequence } from "./sequence.js";
import type { ChatFailure, ChatState } from "./state.js";
import { only, type Step } from "./step.js";
import { take } from "./taking.js";

export type Input =
  | { readonly kind: "connecting" }
  /** The connection was lost, and is tried again. */
  | { readonly kind: "lost" }
  | { readonly kind: "refused"; readonly failure: ChatFailure }
  /** This page closed the connection. */
  | { readonly kind: "closed" }
  /** A text came that is a frame. `now` is RFC 3339. */
  | { readonly kind: "frame"; readonly frame: ServerFrame; readonly now: string }
  /** The replay that was asked for has not begun in time. */
  | { readonly kind: "replay_late"; readonly now: string }
  /** A person sends a message. `id` is unique for ever. */
  | {
      readonly kind: "submit";
      readonly id: string;
      readonly content: string;
      readonly mode: SendMode | null;
      readonly attachments?: readonly string[];
      readonly now: string;
    }
  /** A person sends a message again that the server has not taken. */
  | { readonly kind: "again"; readonly id: string }
  /** A person takes such a message off the page. */
  | { readonly kind: "discard"; readonly id: string }
  | { readonly kind: "interrupt" }
  /** The beginning of what is known is reached: what was before it is wanted. */
  | { readonly kind: "earlier" }
  | { readonly kind: "confirm"; readonly id: string; readonly decision: Decision; readonly note: string | null }
  /** A person replaces a message: it is asked anew, and what follows it goes. `id` is the one on the page. */
  | { readonly kind: "edit"; readonly id: string; readonly content: string; readonly now: string }
  /** A person has read a notice; null = the failure. */
  | { readonly kind: "dismiss"; readonly notice: number | null };

/** Takes one input. */
export function step(state: ChatState, input: Input): Step {
  switch (input.kind) {
    case "connecting":
      return only({ ...state, connection: state.connection === "reconnecting" ? "reconnecting" : "connecting" });
    case "lost":
      return only({ ...disconnected(state), connection: "reconnecting" });
    case "refused":
      return only({ ...disconnected(state), connection: "refused", failure: input.failure });
    case "closed":
      return only({ ...disconnected(state), connection: "idle" });
    case "frame":
      return input.frame.type === "connected"
        ? connected(state, input.frame)
        : take(sequence(state, input.frame), input.now);
    case "replay_late":
      return take(release(state, []), input.now);
    case "submit":
      return submit(state, {
        ...userMessage(input.id, input.content, input.now, "waiting"),
        mode: input.mode,
        ...(input.attachments?.length ? { attachments: input.attachments } : {}),
      });
    case "again":
      return sendAgain(state, input.id);
    case "discard":
      return only(discard(state, input.id));
    case "earlier":
      return askEarlier(state);
    case "interrupt":
      return interrupt(state);
    case "confirm":
      return confirm(state, input.id, input.decision, input.note);
    case "edit":
      return edit(state, input.id, input.content, input.now);
    case "dismiss":
      return only(dismiss(state, input.notice));
  }
}
