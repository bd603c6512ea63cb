import type { ClientFrame } from "./frames.js";
import type { ChatState } from "./state.js";

/** What an input leads to: the next state, and the frames to send now. */
export interface Step {
  readonly state: ChatState;
  readonly send: readonly ClientFrame[];
}

/** A step that sends nothing. */
export function only(state: ChatState): Step {
  return { state, send: [] };
}
