import { type ReactElement, useContext, useEffect, useState } from "react";
import type { CodeToken } from "./highlight.js";
import { Running } from "./running.js";

/** A text that changes is coloured once it has stood still for this long, in milliseconds. */
const SETTLED_MS = 150;

/** Longer texts stay without colours, in UTF-16 units. */
const LONGEST = 60_000;

/** Languages whose rules were compiled: that takes long, so it never happens while an answer runs. */
const compiled = new Set<string>();

interface Coloured {
  readonly text: string;
  readonly language: string;
  readonly lines: readonly (readonly CodeToken[])[];
}

/** Code with its colours, which come a moment after the text. */
export function CodeText({
  text,
  language,
}: {
  readonly text: string;
  readonly language: string | null;
}): ReactElement {
  const [coloured, setColoured] = useState<Coloured | null>(null);
  const isRunning = useContext(Running);
  useEffect(() => {
    if (language === null || text.length > LONGEST || (isRunning && !compiled.has(language))) return;
    let isWanted = true;
    const timer = setTimeout(() => {
      import("./highlight.js")
        .then(async ({ highlight }) => {
          const lines = await highlight(text, language, compiled.has(language));
          compiled.add(language);
          if (isWanted) setColoured({ text, language, lines });
        })
        .catch(() => undefined); // without colours it can be read too
    }, SETTLED_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [text, language, isRunning]);
  // While more is written, what is coloured already stays so.
  if (coloured === null || coloured.language !== language || !text.startsWith(coloured.text)) return <>{text}</>;
  return (
    <>
      {coloured.lines.map((line, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line of a text has no other identity
        <Line key={place} tokens={line} isLast={place === coloured.lines.length - 1} />
      ))}
      {text.slice(coloured.text.length)}
    </>
  );
}

function Line({ tokens, isLast }: { readonly tokens: readonly CodeToken[]; readonly isLast: boolean }): ReactElement {
  return (
    <>
      {tokens.map(({ text, kind }, place) =>
        kind === "" ? (
          text
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: nor has a token
          <span key={place} className={kind}>
            {text}
          </span>
        ),
      )}
      {isLast ? "" : "\n"}
    </>
  );
}
