/** The languages that are coloured; each one is loaded when a text in it is shown for the first time. */

import type { LanguageRegistration } from "@shikijs/core";

type Load = () => Promise<{ readonly default: LanguageRegistration[] }>;

const LANGUAGES: Readonly<Record<string, Load>> = {
  bash: () => import("@shikijs/langs/shellscript"),
  c: () => import("@shikijs/langs/c"),
  csharp: () => import("@shikijs/langs/csharp"),
  css: () => import("@shikijs/langs/css"),
  docker: () => import("@shikijs/langs/docker"),
  go: () => import("@shikijs/langs/go"),
  html: () => import("@shikijs/langs/html"),
  ini: () => import("@shikijs/langs/ini"),
  java: () => import("@shikijs/langs/java"),
  javascript: () => import("@shikijs/langs/javascript"),
  json: () => import("@shikijs/langs/json"),
  kotlin: () => import("@shikijs/langs/kotlin"),
  php: () => import("@shikijs/langs/php"),
  python: () => import("@shikijs/langs/python"),
  rust: () => import("@shikijs/langs/rust"),
  sql: () => import("@shikijs/langs/sql"),
  swift: () => import("@shikijs/langs/swift"),
  toml: () => import("@shikijs/langs/toml"),
  tsx: () => import("@shikijs/langs/tsx"),
  xml: () => import("@shikijs/langs/xml"),
  yaml: () => import("@shikijs/langs/yaml"),
};

const ALSO: Readonly<Record<string, string>> = {
  cjs: "javascript",
  cs: "csharp",
  dockerfile: "docker",
  h: "c",
  htm: "html",
  js: "javascript",
  jsx: "tsx",
  kt: "kotlin",
  mjs: "javascript",
  mts: "tsx",
  py: "python",
  rs: "rust",
  sh: "bash",
  shell: "bash",
  svg: "xml",
  ts: "tsx",
  typescript: "tsx",
  yml: "yaml",
  zsh: "bash",
};

/** The name of a language that is coloured, by a name or a file's suffix; null = it is not. */
export function languageOf(name: string): string | null {
  const lower = name.toLowerCase();
  const known = ALSO[lower] ?? lower;
  return Object.hasOwn(LANGUAGES, known) ? known : null;
}

/** The name of the language of a file; null = it is not coloured. */
export function languageOfFile(path: string): string | null {
  const name = path.split("/").at(-1) ?? "";
  return languageOf(name.split(".").at(-1) ?? "");
}

/** The grammar of a language that `languageOf` names. */
export async function grammarOf(language: string): Promise<LanguageRegistration[]> {
  const load = LANGUAGES[language];
  return load === undefined ? [] : (await load()).default;
}
