/** Puts an element on a page, over a daemon that answers as a test says. */

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, type ReactElement } from "react";
import { createRoot, type Root } from "react-dom/client";
import { vi } from "vitest";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

export class Rendered {
  readonly element = document.body.appendChild(document.createElement("div"));
  readonly #root: Root = createRoot(this.element);

  constructor(readonly queries = new QueryClient()) {}

  async show(page: ReactElement): Promise<void> {
    await this.do(() => this.#root.render(<QueryClientProvider client={this.queries}>{page}</QueryClientProvider>));
  }

  /** Does something, and lets everything happen that follows within a time. */
  async do(action: () => void, milliseconds = 50): Promise<void> {
    await act(async () => {
      action();
      await vi.advanceTimersByTimeAsync(milliseconds);
    });
  }

  async pass(milliseconds: number): Promise<void> {
    await this.do(() => undefined, milliseconds);
  }

  async leave(): Promise<void> {
    await this.do(() => this.#root.unmount());
    this.element.remove();
  }

  get text(): string {
    return this.element.textContent ?? "";
  }

  get field(): HTMLTextAreaElement {
    return this.element.querySelector("textarea") as HTMLTextAreaElement;
  }

  async write(text: string): Promise<void> {
    await this.do(() => {
      // React looks at the prototype's setter: it does not see a value that is set on the element itself.
      Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value")?.set?.call(this.field, text);
      this.field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }

  async click(name: string): Promise<void> {
    const found = Array.from(this.element.querySelectorAll("button")).find((one) => one.textContent === name);
    if (found === undefined) throw new Error(`no button ${name} in ${this.element.innerHTML}`);
    await this.do(() => found.click());
  }
}
