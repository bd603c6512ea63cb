"""The visible text of an HTML mail (https://html.spec.whatwg.org/multipage/syntax.html).

Text that a reader does not see is dropped, as it could give the model instructions that the user never saw.

`html.parser` is not used: up to Python 3.13 it takes quadratic time on tags without an end (85 s for 60 KB), and
anybody can send us such a mail. Every pattern here stops at the next `<`, so the time is linear.
"""

from __future__ import annotations

import html
import re
from collections import Counter
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
# Joiners and marks of direction stay: Persian, Hindi and emoji need them.
_INVISIBLE = re.compile(r"[\u00ad\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
_LONG_NUMBER = re.compile(r"&#[0-9]{20,};?")
_BLANKS = re.compile(r"[ \t\r\n\f]+")  # no-break spaces are kept: they indent code
_GAP = re.compile(r"\n{3,}")
_MAX_LINK = 500  # characters of a link's URL that are kept
_IMPLIED_END = frozenset({"p", "li", "tr", "td", "th"})
"""Elements whose end tags are optional."""
_QUOTING = re.compile(
    r"quot|cite|gmail_attr|zmail_extra|reference-message|reply-?forward|original-?_?message|outlookmessageheader"
)
"""Classes, ids and names by which mail programs mark what they quote. `gmail_quote` around a reply also holds the
sender's own lines; only what is in it is quoted."""
_REST_QUOTING = re.compile(r"divrplyfwdmsg|appendonsend|outlookmessageheader")
_RULE_ABOVE_QUOTE = re.compile(r"border-top:[^;]*(?:#e1e1e1|#b5c4df|rgb\(225,225,225\)|rgb\(181,196,223\))")
_QUOTE_MARKS = re.compile(
    r"gmail_quote|yahoo_quoted|moz-cite-prefix|divrplyfwdmsg|appendonsend|outlookmessageheader|zmail_extra"
    r"|<blockquote\b[^<>]{0,200}\bcite\b|(?:class|id|name)=.{0,3}[\w -]{0,60}quote"
    r"|border-top:\s?solid\s#(?:e1e1e1|b5c4df)"
    r"|border-top:[^;<>]{0,30}rgb\(225,\s?225,\s?225\)",
    re.IGNORECASE,
)
_COLOURS = {"white": "ffffff", "black": "000000"}


@dataclass(slots=True)
class _Element:
    """An open element.

    Attributes:
        ink: the text colour; text in the colour of `paper` is invisible.
        paper: the background colour.
        link: the URL of a link; empty = the element is no link.
        line: number of the line in which the element starts.
        start: number of the pieces of that line before the element.
        quoting: the mail program marks its content as quoted.
    """

    tag: str
    hidden: bool
    ink: str
    paper: str
    link: str = ""
    line: int = 0
    start: int = 0
    quoting: bool = False


@dataclass(slots=True)
class _Page:
    """The text so far. Quoted lines start with `> `.

    A line is kept in pieces until its end: to append to a long string would copy it each time.

    Attributes:
        lines: the finished lines.
        pieces: the current line.
        blank: the current line has nothing but blanks and quotation marks.
        stack: the open elements, innermost last; the first one stands for the page.
        open_tags: how many open elements have each tag.
    """

    lines: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    blank: bool = True
    quotes: int = 0
    preformatted: int = 0
    stack: list[_Element] = field(default_factory=lambda: [_Element("", False, "000000", "ffffff")])
    open_tags: Counter[str] = field(default_factory=Counter)

    def write(self, text: str) -> None:
        if self.preformatted:
            first, *rest = text.split("\n")
            self._append(first)
            for line in rest:
                self.line()
                self._append(line)
            return
        words = _BLANKS.sub(" ", text)
        self._append(words.lstrip(" ") if self.blank or self.pieces[-1].endswith(" ") else words)

    def line(self) -> None:
        self.lines.append("".join(self.pieces))
        self.pieces, self.blank = [], True

    def fresh_line(self) -> None:
        if self.pieces:
            self.line()

    def shown_in(self, element: _Element) -> str:
        """Return the part of the current line that an element has written."""
        return "".join(self.pieces[element.start if element.line == len(self.lines) else 0 :])

    def text(self) -> str:
        self.line()
        # The trailing blank of "-- " marks the start of a signature (RFC 3676 section 4.3).
        text = "\n".join(line if line in ("-- ", "--\xa0") else line.rstrip() for line in self.lines)
        return _GAP.sub("\n\n", text.replace("\xa0", " ")).strip("\n")

    def _append(self, text: str) -> None:
        if not text:
            return
        if not self.pieces and self.quotes:
            self.pieces.append("> " * min(self.quotes, 5))
        self.pieces.append(text)
        self.blank = self.blank and not text.strip("> ")


def visible_text(source: str) -> str:
    """Return the visible text of an HTML mail. Lines that the mail program marks as quoted start with `> `."""
    page = _Page()
    position, lowered = 0, source.lower()
    for token in _TOKEN.finditer(source):
        if token.start() < position:
            continue  # inside an element whose content is not text
        _text(page, source[position : token.start()])
        position = token.end()
        tag = (token["tag"] or token["tag2"] or "").lower()
        if not tag:
            continue
        if token["end"] or token["end2"]:
            _close(page, tag)
        elif tag in _RAW:
            end = lowered.find(f"</{tag}", position)
            position = len(source) if end < 0 else end
        else:
            _open(page, tag, _attributes(token["attributes"] or ""))
    _text(page, source[position:])
    return page.text()


def has_quote_marks(source: str) -> bool:
    """Return whether an HTML mail says which of its text is quoted, in the way of a known mail program."""
    return _QUOTE_MARKS.search(source) is not None


def _text(page: _Page, text: str) -> None:
    element = page.stack[-1]
    if text and not element.hidden and element.ink != element.paper:
        page.write(drop_invisible(_unescaped(text)))


def drop_invisible(text: str) -> str:
    """Return text without zero-width characters and without characters that change its direction."""
    return _INVISIBLE.sub("", text)


def _open(page: _Page, tag: str, attributes: Mapping[str, str]) -> None:
    stack = page.stack
    style = "".join(attributes.get("style", "").lower().split())
    if tag in _IMPLIED_END and tag in (stack[-1].tag, stack[-2].tag if len(stack) > 1 else ""):
        _close(page, tag)
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
            attributes.get("href", "")[:_MAX_LINK] if tag == "a" else "",
            len(page.lines),
            len(page.pieces),
            tag == "blockquote" or _is_quoting(attributes),
        )
    )
    page.open_tags[tag] += 1
    page.quotes += stack[-1].quoting + _quotes_the_rest(attributes, style)
    page.preformatted += tag == "pre"
    if tag == "li" and not stack[-1].hidden:
        page.write("- ")


def _is_quoting(attributes: Mapping[str, str]) -> bool:
    if not attributes:
        return False
    marks = _marks(attributes)
    return _QUOTING.search(marks.replace("gmail_quote", "")) is not None and not _REST_QUOTING.search(marks)


def _quotes_the_rest(attributes: Mapping[str, str], style: str) -> bool:
    """Return whether all that follows is quoted: Outlook puts a mark above the quoted mail, not around it."""
    if not attributes:
        return False
    return _REST_QUOTING.search(_marks(attributes)) is not None or _RULE_ABOVE_QUOTE.search(style) is not None


def _marks(attributes: Mapping[str, str]) -> str:
    return " ".join(attributes.get(name, "") for name in ("class", "id", "name")).lower()


def _close(page: _Page, tag: str) -> None:
    if not page.open_tags[tag]:
        return
    while page.stack[-1].tag != tag:
        _leave(page, page.stack.pop())
    _leave(page, page.stack.pop())


def _leave(page: _Page, element: _Element) -> None:
    if element.link.startswith(("http://", "https://")) and not element.hidden:
        shown = page.shown_in(element).strip()
        if shown and shown not in element.link:
            page.write(f" ({element.link})")
    if not element.hidden:
        _break(page, element.tag)
    page.open_tags[element.tag] -= 1
    page.quotes -= element.quoting
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


def _unescaped(text: str) -> str:
    """Return text with its character references resolved; `html.unescape` fails on numbers of thousands of digits."""
    return html.unescape(_LONG_NUMBER.sub("\ufffd", text))


def _attributes(text: str) -> dict[str, str]:
    return {found[1].lower(): _unescaped((found[2] or "").strip("\"'")) for found in _ATTRIBUTE.finditer(text)}


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
