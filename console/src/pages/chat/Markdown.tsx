import { type ComponentProps, isValidElement, memo, type ReactElement, useMemo } from "react";
import ReactMarkdown from "react-markdown";
import remarkGfm from "remark-gfm";
import { CodeBlock } from "../../code/CodeBlock.js";
import { Running } from "../../code/running.js";
import { blocksOf } from "./blocks.js";

const PLUGINS = [remarkGfm];

/** A text in Markdown as elements. HTML in it stays text; nothing of it is loaded from elsewhere. */
export function Markdown({
  text,
  isRunning = false,
}: {
  readonly text: string;
  /** Whether more of it comes. */
  readonly isRunning?: boolean;
}): ReactElement {
  const blocks = useMemo(() => blocksOf(text), [text]);
  return (
    <Running value={isRunning}>
      <div className="markdown">
        {blocks.map((block, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a block keeps its place
          <Block key={place} text={block} />
        ))}
      </div>
    </Running>
  );
}

const Block = memo(function Block({ text }: { readonly text: string }): ReactElement {
  return (
    <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS}>
      {text}
    </ReactMarkdown>
  );
});

const COMPONENTS = {
  a: ({ href, children }: ComponentProps<"a">) => (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  ),
  // The policy loads no picture from elsewhere.
  img: ({ src, alt }: ComponentProps<"img">) => (
    <a href={typeof src === "string" ? src : undefined} target="_blank" rel="noopener noreferrer">
      {alt || "picture"}
    </a>
  ),
  pre: Code,
  table: ({ children }: ComponentProps<"table">) => (
    // biome-ignore lint/a11y/useSemanticElements: it scrolls, so the keyboard must reach it
    <div className="wide" tabIndex={0} role="group" aria-label="Table">
      <table>{children}</table>
    </div>
  ),
};

/** A block of code; its language is that after the fence. */
function Code({ children }: ComponentProps<"pre">): ReactElement {
  const code = isValidElement<ComponentProps<"code">>(children) ? children.props : {};
  const language = /(?:^| )language-(\S+)/.exec(code.className ?? "")?.[1] ?? "";
  return <CodeBlock text={typeof code.children === "string" ? code.children : ""} language={language} />;
}
