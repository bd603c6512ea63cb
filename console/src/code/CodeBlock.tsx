import { type ReactElement, useState } from "react";
import { DiffView } from "../ui/DiffView.js";
import { CodeText } from "./CodeText.js";
import { languageOf } from "./languages.js";

const DIFFS: ReadonlySet<string> = new Set(["diff", "patch", "udiff"]);

/** A block of code with its colours, or a diff; one click copies it. */
export function CodeBlock({ text, language }: { readonly text: string; readonly language: string }): ReactElement {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <div className="code">
      <button type="button" className="copy" onClick={copy} onBlur={() => setCopied(false)}>
        {copied ? "Copied" : "Copy"}
      </button>
      {DIFFS.has(language) ? (
        <DiffView diff={text} />
      ) : (
        <pre tabIndex={0}>
          <code>
            <CodeText text={text} language={languageOf(language)} />
          </code>
        </pre>
      )}
    </div>
  );
}
