/** Puts an element on a page, and finds and uses what a person would. */

import { act, type ReactElement } from "react";
import { createRoot, type Root } from "react-dom/client";
import { vi } from "vitest";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

export class Rendered {
  readonly element: HTMLElement;
  readonly #root: Root;

  constructor() {
    this.element = document.body.appendChild(document.createElement("div"));
    this.#root = createRoot(this.element);
  }

  async show(page: ReactElement): Promise<void> {
    await this.do(() => this.#root.render(page));
  }

  /** Does something, and lets everything happen that follows at once. */
  async do(action: () => void, milliseconds = 50): Promise<void> {
    await act(async () => {
      action();
      await vi.advanceTimersByTimeAsync(milliseconds);
    });
  }

  async remove(): Promise<void> {
    await this.do(() => this.#root.unmount());
    this.element.remove();
  }

  /** The text of the first element that fits. */
  text(selector: string): string {
    return this.#one(selector).textContent ?? "";
  }

  texts(selector: string): string[] {
    return Array.from(this.element.querySelectorAll(selector), (one) => one.textContent ?? "");
  }

  button(name: string): HTMLButtonElement {
    const found = Array.from(this.element.querySelectorAll("button")).find((one) => one.textContent?.trim() === name);
    if (found === undefined) throw new Error(`no button ${name} in ${this.element.innerHTML}`);
    return found;
  }

  async click(name: string): Promise<void> {
    await this.do(() => this.button(name).click());
  }

  field(selector: string): HTMLTextAreaElement {
    return this.#one(selector) as HTMLTextAreaElement;
  }

  async write(selector: string, text: string): Promise<void> {
    await this.do(() => {
      const field = this.field(selector);
      // React looks at the prototype's setter: it does not see a value that is set on the element itself.
      Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value")?.set?.call(field, text);
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }

  async press(selector: string, key: string, more: KeyboardEventInit & { keyCode?: number } = {}): Promise<void> {
    await this.do(() => {
      const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
      // A DOM without an input method does not take them from the initialiser.
      if (more.isComposing !== undefined) Object.defineProperty(event, "isComposing", { value: more.isComposing });
      if (more.keyCode !== undefined) Object.defineProperty(event, "keyCode", { value: more.keyCode });
      this.#one(selector).dispatchEvent(event);
    });
  }

  #one(selector: string): Element {
    const found = this.element.querySelector(selector);
    if (found === null) throw new Error(`no ${selector} in ${this.element.innerHTML}`);
    return found;
  }
}
