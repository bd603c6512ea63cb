import { Component, type ReactNode } from "react";

interface Properties {
  /** The page's; another page is tried again. */
  readonly path: string;
  readonly children: ReactNode;
}

interface State {
  readonly failed: boolean;
  readonly path: string;
}

/** Shows a sentence in the place of a page that failed; a reload is the remedy, e.g. after an update of the daemon. */
export class Boundary extends Component<Properties, State> {
  override state = { failed: false, path: this.props.path };

  static getDerivedStateFromError(): Partial<State> {
    return { failed: true };
  }

  // No key: it would build a chat anew where the next one is opened.
  static getDerivedStateFromProps({ path }: Properties, state: State): State | null {
    return path === state.path ? null : { failed: false, path };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <div role="alert">
        <p>This page could not be shown. What you wrote is kept.</p>
        <button type="button" onClick={() => location.reload()}>
          Load it again
        </button>
      </div>
    );
  }
}
