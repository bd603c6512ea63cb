/** Comments on lines of a turn's diff: collected here, sent to the session as one prompt, and read back from it. */

export interface LineComment {
  readonly path: string;
  readonly line: number;
  /** Whether the number is that before the turn, because the turn removed the line. */
  readonly isBefore: boolean;
  /** The line itself. */
  readonly code: string;
  readonly text: string;
}

export type ReviewAction =
  | { readonly kind: "put"; readonly comment: LineComment }
  | { readonly kind: "remove"; readonly key: string }
  | { readonly kind: "clear" };

/** What tells a commented line from every other one. */
export function keyOf(comment: Pick<LineComment, "path" | "line" | "isBefore">): string {
  return `${comment.isBefore ? "-" : "+"}${comment.line} ${comment.path}`;
}

/** The comments after an action. A line has one comment; an empty one is none. */
export function reviewed(comments: readonly LineComment[], action: ReviewAction): readonly LineComment[] {
  switch (action.kind) {
    case "clear":
      return [];
    case "remove":
      return comments.filter((one) => keyOf(one) !== action.key);
    case "put": {
      const comment = { ...action.comment, text: action.comment.text.trim() };
      const others = comments.filter((one) => keyOf(one) !== keyOf(comment));
      return comment.text === "" ? others : [...others, comment].sort(byPlace);
    }
  }
}

function byPlace(one: LineComment, other: LineComment): number {
  return one.path === other.path ? one.line - other.line : one.path < other.path ? -1 : 1;
}

const INDENT = "   ";
const HEADER = /^\d+\. (.+), line (\d+)( before the turn)?:$/;

/** How the prompt of a review of a turn begins. */
export function beginningOf(message: string): string {
  return `Review of turn ${message}:`;
}

/** The comments of a prompt that the daemon made of them: `prompt_of` in supervisor/operations/changes/reviews.py. */
export function commentsOf(prompt: string): readonly LineComment[] {
  const found: { path: string; line: number; isBefore: boolean; lines: string[] }[] = [];
  for (const line of prompt.split("\n").slice(1)) {
    const header = HEADER.exec(line);
    if (header !== null) {
      found.push({ path: header[1] ?? "", line: Number(header[2]), isBefore: header[3] !== undefined, lines: [] });
    } else if (line.startsWith(INDENT)) {
      found.at(-1)?.lines.push(line.slice(INDENT.length));
    }
  }
  return found.map(({ lines, ...where }) => ({
    ...where,
    code: (lines[0] ?? "").slice(2),
    text: lines.slice(1).join("\n"),
  }));
}
