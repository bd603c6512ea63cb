/** Lines of a unified diff. */

export interface DiffLine {
  readonly kind: "added" | "removed" | "place" | "same";
  readonly text: string;
}

/** The lines of a unified diff with what each one tells. */
export function linesOf(diff: string): readonly DiffLine[] {
  const lines = diff.split("\n");
  if (lines.at(-1) === "") lines.pop();
  let isHeader = true;
  return lines.map((text) => {
    if (/^(diff |--- |\+\+\+ |index )/.test(text) && isHeader) return { kind: "place", text };
    isHeader = text.startsWith("diff ");
    if (text.startsWith("@@")) return { kind: "place", text };
    if (text.startsWith("+")) return { kind: "added", text };
    if (text.startsWith("-")) return { kind: "removed", text };
    return { kind: "same", text };
  });
}
