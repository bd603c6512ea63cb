/** Reads a unified diff of git: files, and their lines with their numbers. */

export interface PatchLine {
  readonly kind: "added" | "removed" | "same" | "place";
  /** Without its sign. */
  readonly text: string;
  /** Its number before the turn; null = it was not there. */
  readonly before: number | null;
  /** Its number after the turn; null = it is not there. */
  readonly after: number | null;
}

export interface FilePatch {
  readonly path: string;
  readonly lines: readonly PatchLine[];
  /** Whether git shows no lines of it. */
  readonly isBinary: boolean;
  readonly added: number;
  readonly removed: number;
}

const CUT = "\n[the difference is longer; the rest is left out]\n";

/** Whether the daemon has left out the end of a diff. */
export function isCut(diff: string): boolean {
  return diff.endsWith(CUT);
}

/** The files of a diff, in its order. */
export function filesOf(diff: string): readonly FilePatch[] {
  return (isCut(diff) ? diff.slice(0, -CUT.length) : diff)
    .split(/^(?=diff --git )/m)
    .filter((part) => part.startsWith("diff --git "))
    .map(fileOf);
}

function fileOf(part: string): FilePatch {
  const all = part.split("\n");
  const start = all.findIndex((line) => line.startsWith("@@ "));
  const head = start === -1 ? all : all.slice(0, start);
  const lines = start === -1 ? [] : linesOf(all.slice(start));
  return {
    path: pathOf(head),
    lines,
    isBinary: head.some((line) => line.startsWith("Binary files ") || line === "GIT binary patch"),
    added: lines.filter((line) => line.kind === "added").length,
    removed: lines.filter((line) => line.kind === "removed").length,
  };
}

function linesOf(all: readonly string[]): readonly PatchLine[] {
  const lines: PatchLine[] = [];
  let before = 0;
  let after = 0;
  let beforeLeft = 0;
  let afterLeft = 0;
  for (const line of all) {
    const place = beforeLeft + afterLeft === 0 ? PLACE.exec(line) : null;
    if (place !== null) {
      [before, beforeLeft, after, afterLeft] = [
        Number(place[1]),
        Number(place[2] ?? 1),
        Number(place[3]),
        Number(place[4] ?? 1),
      ];
      lines.push({ kind: "place", text: line, before: null, after: null });
    } else if (line.startsWith("\\")) {
      lines.push({ kind: "place", text: line.slice(2), before: null, after: null });
    } else if (beforeLeft + afterLeft > 0 && line !== "") {
      const text = line.slice(1);
      if (line.startsWith("+")) {
        lines.push({ kind: "added", text, before: null, after: after++ });
        afterLeft--;
      } else if (line.startsWith("-")) {
        lines.push({ kind: "removed", text, before: before++, after: null });
        beforeLeft--;
      } else {
        lines.push({ kind: "same", text, before: before++, after: after++ });
        beforeLeft--;
        afterLeft--;
      }
    }
  }
  return lines;
}

const PLACE = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

function pathOf(head: readonly string[]): string {
  for (const sign of ["+++ ", "--- "]) {
    const named = head.find((line) => line.startsWith(sign))?.slice(4);
    if (named !== undefined && named !== "/dev/null") return unquoted(named.replace(/\t$/, "")).slice(2);
  }
  // Without lines there is only `diff --git a/PATH b/PATH`, with the same path twice.
  const both = (head[0] ?? "").slice("diff --git ".length);
  return unquoted(both.slice((both.length + 1) / 2)).slice(2);
}

/** A path as git writes it: in quotes with C escapes where it holds more than plain characters. */
function unquoted(path: string): string {
  if (!path.startsWith('"')) return path;
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (const [, octal, escaped, plain] of path.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gsu)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else bytes.push(...encoder.encode(escaped === undefined ? plain : (ESCAPES[escaped] ?? escaped)));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

const ESCAPES: Readonly<Record<string, string>> = { a: "\x07", b: "\b", t: "\t", n: "\n", v: "\v", f: "\f", r: "\r" };
