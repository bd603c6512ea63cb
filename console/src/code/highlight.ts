/** Colours of code, by shiki with the browser's own regular expressions: the page's policy allows no WebAssembly. */

import { createCssVariablesTheme, createHighlighterCore, type Grammar, type HighlighterCore } from "@shikijs/core";
import { createJavaScriptRegexEngine } from "@shikijs/engine-javascript";
import { grammarOf } from "./languages.js";

export interface CodeToken {
  readonly text: string;
  /** What it is, as a class: `code-keyword`; empty = nothing special. */
  readonly kind: string;
}

const THEME = "kinds";

/** Each kind is a variable of the style sheet in a theme of shiki: here it becomes a class. */
const KIND = /^var\(--([a-z-]+)\)$/;

/** How long one line may take, in milliseconds; the rest of a line that takes longer stays without colours. */
const LINE_MS = 500;

/** The first lines of a language are coloured twice: its rules are compiled meanwhile, which is slow on a phone. */
const FIRST_LINES = 3;
const FIRST_LINE_MS = 3_000;

/** So often at most is a text coloured: where a line was cut, what was compiled meanwhile may let it pass. */
const TRIES = 3;

/** A text that has taken longer is not coloured again, in milliseconds. */
const AGAIN_MS = 2_000;

let highlighter: Promise<HighlighterCore> | null = null;

/**
 * The lines of a text as tokens.
 *
 * @param language as `languageOf` names it.
 * @param isCompiled whether the rules of the language are compiled: an earlier text was coloured.
 */
export async function highlight(
  text: string,
  language: string,
  isCompiled: boolean,
): Promise<readonly (readonly CodeToken[])[]> {
  highlighter ??= createHighlighterCore({
    engine: createJavaScriptRegexEngine({ forgiving: true }),
    langs: [],
    themes: [createCssVariablesTheme({ name: THEME, variablePrefix: "--" })],
  });
  const core = await highlighter;
  const grammar = await grammarOf(language);
  await core.loadLanguage(grammar);
  const lang = grammar.at(-1)?.name ?? "text";
  const coloured = (part: string, tokenizeTimeLimit: number) =>
    core.codeToTokens(part, { lang, theme: THEME, tokenizeMaxLineLength: 1_000, tokenizeTimeLimit }).tokens;
  if (!isCompiled) coloured(text.split("\n", FIRST_LINES).join("\n"), FIRST_LINE_MS);
  const rules = core.getLanguage(lang);
  const begun = Date.now();
  let [tokens, isWhole] = watched(rules, () => coloured(text, LINE_MS));
  for (let tries = 1; !isWhole && tries < TRIES && Date.now() - begun < AGAIN_MS; tries += 1) {
    [tokens, isWhole] = watched(rules, () => coloured(text, LINE_MS));
  }
  return tokens.map((line) => line.map((token) => ({ text: token.content, kind: kindOf(token.color) })));
}

/** What `colour` returns, and whether no line was cut meanwhile, which shiki keeps to itself. */
function watched<Result>(rules: Grammar, colour: () => Result): [Result, boolean] {
  const tokenize = rules.tokenizeLine2;
  let isWhole = true;
  rules.tokenizeLine2 = (...given) => {
    const line = tokenize.apply(rules, given);
    isWhole &&= !line.stoppedEarly;
    return line;
  };
  try {
    return [colour(), isWhole];
  } finally {
    rules.tokenizeLine2 = tokenize;
  }
}

function kindOf(color: string | undefined): string {
  const name = KIND.exec(color ?? "")?.[1] ?? "foreground";
  return name === "foreground" ? "" : `code-${name.replace("token-", "").replace("-expression", "")}`;
}
