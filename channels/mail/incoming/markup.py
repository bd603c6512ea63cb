"""The visible text of an HTML mail (https://html.spec.whatwg.org/multipage/syntax.html).

Text that a reader does not see is dropped, as it could give the model instructions that the user never saw.

`html.parser` is not used: up to Python 3.13 it takes quadratic time on tags without an end (85 s for 60 KB), and
anybody can send us such a mail. Every pattern here stops at the next `<`, so the time is linear.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_DEPTH = 200
"""The deepest nesting of elements that is tracked; a deeper element counts as part of its parent."""

_TOKEN = re.compile(
    r"<!--(?:.*?)(?:-->|\Z)"
    r"|<[!?][^<>]*+>"
    r"|<(?P<end>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9:-]*+)(?P<attributes>(?:[^<>\"']|\"[^\"<]*+\"|'[^'<]*+')*+)>"
    r"|<(?P<end2>/?)(?P<tag2>[a-zA-Z][a-zA-Z0-9:-]*+)[^<>]*+>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([a-zA-Z][\w:.-]*+)(?:\s*+=\s*+(\"[^\"]*+\"|'[^']*+'|[^\s\"'>]++))?+")
_RAW = frozenset({"script", "style", "title", "textarea", "noscript", "template", "svg", "object"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_PARAGRAPH = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "pre", "blockquote"})
_LINE = frozenset({"div", "tr", "li", "section", "article", "header", "footer", "dt", "dd", "address"})
_HIDING = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|font-size:0*(?:\.0+)?(?:[a-z%]|;|!|$)|opacity:0*(?:\.0+)?(?:;|!|$)"
    r"|mso-hide:all|max-height:0|text-indent:-\d{3}|(?:^|;)(?:width|height):0(?:[a-z%]|;|!|$)"
)
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
_COLOURS = {"white": "ffffff", "black": "000000"}


@dataclass(slots=True)
class _Element:
    """An open element.

    Attributes:
        ink: the text colour; text in the colour of `paper` is invisible.
        paper: the background colour.
        link: the URL of a link; empty = the element is no link.
        start: length of the current line where the element starts.
    """

    tag: str
    hidden: bool
    ink: str
    paper: str
    link: str = ""
    start: int = 0


@dataclass(slots=True)
class _Page:
    """The text so far, as lines. Quoted lines start with `> `."""

    lines: list[str] = field(default_factory=lambda: [""])
    quotes: int = 0
    preformatted: int = 0

    def write(self, text: str) -> None:
        if self.preformatted:
            first, *rest = text.split("\n")
            self._append(first)
            for line in rest:
                self.line()
                self._append(line)
            return
        words = re.sub(r"\s+", " ", text)
        before = self.lines[-1]
        self._append(words.lstrip() if before.endswith(" ") or not before.strip("> ") else words)

    def line(self) -> None:
        self.lines.append("")

    def fresh_line(self) -> None:
        if self.lines[-1]:
            self.line()

    def _append(self, text: str) -> None:
        if text and not self.lines[-1]:
            self.lines[-1] = "> " * min(self.quotes, 5)
        self.lines[-1] += text


def visible_text(source: str) -> str:
    """Return the visible text of an HTML mail. Lines of block quotes start with `> `."""
    page, stack = _Page(), [_Element("", False, "000000", "ffffff")]
    position, lowered = 0, source.lower()
    for token in _TOKEN.finditer(source):
        if token.start() < position:
            continue  # inside an element whose content is not text
        _text(page, stack[-1], source[position : token.start()])
        position = token.end()
        tag = (token["tag"] or token["tag2"] or "").lower()
        if not tag:
            continue
        if token["end"] or token["end2"]:
            _close(page, stack, tag)
        elif tag in _RAW:
            end = lowered.find(f"</{tag}", position)
            position = len(source) if end < 0 else end
        else:
            _open(page, stack, tag, _attributes(token["attributes"] or ""))
    _text(page, stack[-1], source[position:])
    # The trailing blank of "-- " marks the start of a signature (RFC 3676 section 4.3).
    text = "\n".join(line if line == "-- " else line.rstrip() for line in page.lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def _text(page: _Page, element: _Element, text: str) -> None:
    if text and not element.hidden and element.ink != element.paper:
        page.write(drop_invisible(html.unescape(text)))


def drop_invisible(text: str) -> str:
    """Return text without zero-width characters and without characters that change its direction."""
    return _INVISIBLE.sub("", text)


def _open(page: _Page, stack: list[_Element], tag: str, attributes: Mapping[str, str]) -> None:
    parent = stack[-1]
    style = "".join(attributes.get("style", "").lower().split())
    if tag in ("p", "li", "tr", "td", "th") and any(element.tag == tag for element in stack[-2:]):
        _close(page, stack, tag)  # the end tags of these elements are optional
        parent = stack[-1]
    if not parent.hidden:
        _break(page, tag)
    if tag in _VOID or len(stack) > MAX_DEPTH:
        return
    stack.append(
        _Element(
            tag,
            parent.hidden or "hidden" in attributes or _HIDING.search(style) is not None,
            _colour(style, "color", attributes.get("color") or attributes.get("text")) or parent.ink,
            _colour(style, "background(?:-color)?", attributes.get("bgcolor")) or parent.paper,
            attributes.get("href", "") if tag == "a" else "",
            len(page.lines[-1]),
        )
    )
    page.quotes += tag == "blockquote"
    page.preformatted += tag == "pre"
    if tag == "li" and not stack[-1].hidden:
        page.write("- ")


def _close(page: _Page, stack: list[_Element], tag: str) -> None:
    if not any(element.tag == tag for element in stack):
        return
    while stack[-1].tag != tag:
        _leave(page, stack.pop())
    _leave(page, stack.pop())


def _leave(page: _Page, element: _Element) -> None:
    shown = page.lines[-1][element.start :].strip()
    if element.link.startswith(("http://", "https://")) and not element.hidden and shown and shown not in element.link:
        page.write(f" ({element.link[:500]})")
    if not element.hidden:
        _break(page, element.tag)
    page.quotes -= element.tag == "blockquote"
    page.preformatted -= element.tag == "pre"


def _break(page: _Page, tag: str) -> None:
    if tag == "br":
        page.line()
    elif tag in _PARAGRAPH:
        page.fresh_line()
        page.line()
    elif tag in _LINE:
        page.fresh_line()
    elif tag in ("td", "th"):
        page.write(" ")


def _attributes(text: str) -> dict[str, str]:
    return {found[1].lower(): html.unescape((found[2] or "").strip("\"'")) for found in _ATTRIBUTE.finditer(text)}


def _colour(style: str, name: str, attribute: str | None) -> str:
    """Return a colour as six hex digits, or as it is written if its form is not known; empty = none is set."""
    declared = re.search(rf"(?:^|;){name}:([^;!]+)", style)
    colour = declared[1] if declared else (attribute or "").strip().lower()
    numbers = re.fullmatch(r"rgba?\((\d{1,3}),(\d{1,3}),(\d{1,3})(?:,[\d.%]+)?\)", colour)
    if numbers:
        return "".join(f"{min(int(number), 255):02x}" for number in numbers.groups())
    if re.fullmatch(r"#[0-9a-f]{3}", colour):
        return "".join(digit * 2 for digit in colour[1:])
    return _COLOURS.get(colour, colour.removeprefix("#"))
