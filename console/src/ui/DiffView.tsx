import { type ReactElement, useMemo } from "react";
import { linesOf } from "./diff.js";

/** A unified diff; its signs stay, so that it can be read without colours. */
export function DiffView({ diff }: { readonly diff: string }): ReactElement {
  const lines = useMemo(() => linesOf(diff), [diff]);
  return (
    <pre className="diff" tabIndex={0}>
      {lines.map((line, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line of a diff has no other identity
        <span key={place} className={line.kind}>
          {line.text}
          {"\n"}
        </span>
      ))}
    </pre>
  );
}
