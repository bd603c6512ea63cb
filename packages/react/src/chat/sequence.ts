/**
 * The order of frames: each one is taken once, and what was missed is taken before what came meanwhile.
 *
 * After a reconnection the server replays what was missed, while new frames may come before the replay begins.
 */

import type { FrameType, ServerFrame } from "./frames.js";
import type { ChatState } from "./state.js";

/** Frames that would do harm if they were taken twice; the others say what is true now. */
const ONCE: ReadonlySet<FrameType> = new Set<FrameType>([
  "token",
  "tool_call_start",
  "tool_call",
  "tool_result",
  "complete",
  "interrupted",
  "error",
  "user_message",
]);

/** Frames whose order matters while a replay is awaited. */
const WAITS: ReadonlySet<FrameType> = new Set<FrameType>([...ONCE, "artifact", "resumed"]);

export interface Sequenced {
  readonly state: ChatState;
  /** The frames to take now, in order. */
  readonly due: readonly ServerFrame[];
}

/**
 * Decides which frames are due when one has come.
 *
 * While a replay is awaited, frames that came after the connection began are held. The replay has ended when the server
 * says so (`resumed`), or when it has come to a frame that is held.
 */
export function sequence(state: ChatState, frame: ServerFrame): Sequenced {
  const { replay } = state;
  if (replay === null || frame.seq === null || !WAITS.has(frame.type)) return { state, due: [frame] };
  if (frame.type === "resumed") return release(state, [frame]);
  if (frame.seq <= replay.until) return { state, due: [frame] };
  if (replay.held.some((one) => one.seq === frame.seq)) return release(state, [frame]);
  return { state: { ...state, replay: { ...replay, held: [...replay.held, frame] } }, due: [] };
}

/** Ends the wait for a replay: what was held is due, then what ended it. */
export function release(state: ChatState, after: readonly ServerFrame[]): Sequenced {
  const held = [...(state.replay?.held ?? [])].sort((one, other) => (one.seq ?? 0) - (other.seq ?? 0));
  return { state: { ...state, replay: null }, due: [...held, ...after] };
}

/** Whether a frame was taken already. */
export function isRepeated(state: ChatState, frame: ServerFrame): boolean {
  return frame.seq !== null && state.lastSeq !== null && frame.seq <= state.lastSeq && ONCE.has(frame.type);
}

/** The state after a frame was taken. */
export function counted(state: ChatState, frame: ServerFrame): ChatState {
  if (frame.seq === null || (state.lastSeq !== null && frame.seq <= state.lastSeq)) return state;
  return { ...state, lastSeq: frame.seq };
}
