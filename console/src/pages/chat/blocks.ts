/** Markdown in blocks: while an answer streams only its last block changes, the others keep their elements. */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
/** A line that may belong to the list or quotation above a blank line. */
const CONTINUES = /^(?:\s|[-*+] |\d{1,9}[.)] |>)/;

/** The blocks of a text, in order; joined they are the text. */
export function blocksOf(text: string): readonly string[] {
  const blocks: string[] = [];
  let block = "";
  let fence: string | null = null;
  let isAfterBlank = false;
  for (const line of text.split(/(?<=\n)/)) {
    const isBlank = line.trim() === "";
    if (fence === null && isAfterBlank && !isBlank && !CONTINUES.test(line)) {
      blocks.push(block);
      block = "";
    }
    const mark = FENCE.exec(line)?.[1];
    if (fence === null) fence = mark ?? null;
    else if (mark?.startsWith(fence) && line.trim() === mark) fence = null;
    block += line;
    isAfterBlank = isBlank;
  }
  if (block !== "") blocks.push(block);
  return blocks;
}
