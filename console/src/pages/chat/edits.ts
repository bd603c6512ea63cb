/** The calls of tools that edit files, as diffs. */

import type { ToolCall } from "@xswarm/react";
import { createTwoFilesPatch } from "diff";

const CONTEXT = 3;

/** What a call changes in a file, as a unified diff; null = it edits no file. */
export function diffOfCall(call: ToolCall): string | null {
  const { file_path: path, old_string: before, new_string: after, content, edits } = call.input ?? {};
  if (typeof path !== "string") return null;
  if (typeof before === "string" && typeof after === "string") return diffOf(path, before, after);
  if (call.name === "Write" && typeof content === "string") return diffOf(path, "", content);
  if (!Array.isArray(edits)) return null;
  const parts = edits.filter(isEdit).map((edit) => diffOf(path, edit.old_string, edit.new_string));
  return parts.length === 0 ? null : parts.join("");
}

interface Edit {
  readonly old_string: string;
  readonly new_string: string;
}

function isEdit(value: unknown): value is Edit {
  const edit = value as Partial<Edit> | null;
  return typeof edit?.old_string === "string" && typeof edit.new_string === "string";
}

function diffOf(path: string, before: string, after: string): string {
  const patch = createTwoFilesPatch(path, path, before, after, undefined, undefined, { context: CONTEXT });
  // What stands before its head is no part of a unified diff.
  return patch.replace(/^(?:Index: .*\n)?=+\n/, "").replace(/^\\ No newline at end of file\n/gm, "");
}
