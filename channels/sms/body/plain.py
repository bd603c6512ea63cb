"""Converts Markdown (CommonMark) to plain text for a phone: without markup and control characters."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from supervisor.protocol.messages import SENTENCE, VERBATIM, Outbound

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls but the line feed
    "\u00ad\u200b\u2060\ufeff\ufe0e\ufe0f"  # soft hyphen, zero width, variation selectors
    "\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c"  # bidirectional embeddings, overrides, isolates and marks
    "\ud800-\udfff\U000e0000-\U000e007f]"  # lone surrogates, tags
)

_BY_TYPE = {
    "'": "‘’‚‛′`´ʼ",
    '"': "“”„‟″«»",
    "-": "‐‑‒–—―−•◦▪▫‣∙●○■□",
    " ": "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "\n": "\u2028\u2029",
    "...": "…",
    "<": "‹",
    ">": "›",
    "->": "→⇒➜➔",
    "<-": "←⇐",
    "<=": "≤",
    ">=": "≥",
    "!=": "≠",
    "~": "≈",
    "x": "×✗✘❌",
    "/": "÷",
    "*": "·★☆",
    "OK": "✓✔✅☑",
    "!": "⚠❗",
    "(c)": "©",
    "(R)": "®",
    "TM": "™",
}
_PUNCTUATION = str.maketrans({character: ascii_ for ascii_, characters in _BY_TYPE.items() for character in characters})
"""Replacements for typographic characters that GSM-7 does not have. One such character can double the price of a text.

Letters are not replaced: without accents, a text can have another meaning.
"""

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def clean(text: str) -> str:
    """Return the text without terminal sequences, control characters and bidirectional controls (UAX #9).

    Line feeds stay; tabs become spaces.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "  ")
    return _UNSEEN.sub("", _ANSI.sub("", text))


def typed(text: str) -> str:
    """Return a text that is not Markdown, with plain characters instead of typographic ones: the SMS gets cheaper."""
    return clean(clean(text).translate(_PUNCTUATION))


def plain_text(markdown: str) -> str:
    """Return the plain text of Markdown: paragraphs, lists with dashes, and links with their URLs.

    The result for a text must never change, because offsets into it are kept between messages.
    """
    blocks = _Blocks()
    for token in _MARKDOWN.parse(clean(markdown)):
        blocks.add(token)
    text = typed(blocks.text())
    text = re.sub(r"[ ]+\n", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


class _Blocks:
    """Collects the blocks of a document as plain text, with list markers, indents and empty lines between them.

    `_lists` has the next number of each open list (None = a bullet list); `_marker` is the marker of the next block;
    `_tight` says that the next block follows without an empty line; `_cells` are the cells of the open table row.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._lists: list[int | None] = []
        self._marker = ""
        self._tight = False
        self._cells: list[str] | None = None

    def text(self) -> str:
        """Return the text of all blocks so far."""
        return "".join(self._parts)

    def add(self, token: Token) -> None:
        """Add the next token of the document."""
        match token.type:
            case "inline":
                text = _inline(token.children or ())
                if self._cells is None:
                    self._block(text)
                else:
                    self._cells.append(text)
            case "fence" | "code_block":
                self._block(token.content.rstrip("\n"))
            case "hr":
                self._block("---")
            case "paragraph_open":
                self._tight = self._tight or token.hidden
            case "tr_open":
                self._cells = []
            case "tr_close":
                self._end_row()
            case "table_close":
                self._tight = False
            case _:
                self._add_list(token)

    def _add_list(self, token: Token) -> None:
        """Add the start or end of a list or of a list item; other tokens add nothing to plain text."""
        match token.type:
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_open":
                self._lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
                self._tight = bool(self._lists)
            case "list_item_open":
                number = self._lists[-1]
                self._marker = "- " if number is None else f"{number}. "
                if number is not None:
                    self._lists[-1] = number + 1
            case "list_item_close":
                self._tight, self._marker = True, ""
            case _:
                pass

    def _end_row(self) -> None:
        self._block(" | ".join(self._cells or ()))
        self._cells, self._tight = None, True

    def _block(self, text: str) -> None:
        if self._parts:
            self._parts.append("\n" if self._tight else "\n\n")
        indent = "  " * (len(self._lists) - 1)
        lines = f"{self._marker}{text}".split("\n")
        self._parts.append("\n".join(indent + line for line in lines))
        self._marker, self._tight = "", False


def _inline(tokens: Sequence[Token]) -> str:
    """Return the text of a paragraph. A link is followed by its URL, unless its text is the URL."""
    parts: list[str] = []
    links: list[tuple[int, str]] = []
    for token in tokens:
        match token.type:
            case "text" | "code_inline" | "text_special":
                parts.append(token.content)
            case "softbreak" | "hardbreak":
                parts.append("\n")
            case "image":
                parts.append(token.content)
            case "link_open":
                links.append((len(parts), str(token.attrs.get("href", ""))))
            case "link_close":
                start, address = links.pop()
                shown = "".join(parts[start:])
                if address and shown not in (address, address.removeprefix("mailto:")):
                    parts.append(f" ({address})")
            case "strong_open" | "strong_close" if token.markup == "__":
                parts.append("__")  # __init__.py is the name of a file, and was hardly meant to be strong
            case _:
                pass  # emphasis and strikethrough have no plain form
    return "".join(parts)


def is_markdown(outbound: Outbound) -> bool:
    """Return whether the text of a reply is Markdown."""
    return not outbound.meta.get(VERBATIM) and not outbound.meta.get(SENTENCE)


def readable(outbound: Outbound) -> str:
    """Return the whole text of a reply as a phone shows it."""
    if outbound.meta.get(VERBATIM):
        return clean(outbound.text)
    return plain_text(outbound.text) if is_markdown(outbound) else typed(outbound.text)
