import type { KeyboardEvent } from "react";

/** The key code of keys that an input method takes. Safari reports it for the Enter that ends a composition. */
const TAKEN_BY_INPUT_METHOD = 229;

/** Whether a key means "send": Enter, alone, and not one that ends the composition of an input method. */
export function isSendKey(event: KeyboardEvent): boolean {
  const { isComposing, keyCode } = event.nativeEvent;
  const isModified = event.shiftKey || event.altKey || event.ctrlKey || event.metaKey;
  return event.key === "Enter" && !isModified && !isComposing && keyCode !== TAKEN_BY_INPUT_METHOD;
}
