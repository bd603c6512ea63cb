import type { ToolCall } from "@xswarm/react";
import { type ReactElement, useMemo } from "react";
import { CodeBlock } from "../../code/CodeBlock.js";
import { DiffView } from "../../ui/DiffView.js";
import { diffOfCall } from "./edits.js";

/** What a tool was called with: the diff of an edit, the command of a shell, else its input. */
export default function ToolInput({ call }: { readonly call: ToolCall }): ReactElement {
  const diff = useMemo(() => diffOfCall(call), [call]);
  if (diff !== null) return <DiffView diff={diff} />;
  const command = call.input?.command;
  if (typeof command === "string") return <CodeBlock text={command} language="bash" />;
  return <CodeBlock text={JSON.stringify(call.input, null, 2)} language="json" />;
}
