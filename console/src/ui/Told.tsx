import type { ReactElement } from "react";

/** A sentence; what stands between backticks in it is code. */
export function Told({ children }: { readonly children: string }): ReactElement {
  return (
    <>
      {children.split("`").map((part, place) =>
        // biome-ignore lint/suspicious/noArrayIndexKey: a piece of a sentence has no other identity
        place % 2 === 1 ? <code key={place}>{part}</code> : part,
      )}
    </>
  );
}
