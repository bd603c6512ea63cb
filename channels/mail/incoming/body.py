"""Reads the text of a mail and the names of its attachments (MIME: RFC 2045, RFC 2046, RFC 2183).

It never raises, and it bounds the work, because a mail can have millions of parts.
"""

from __future__ import annotations

import binascii
import codecs
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message

from channels.mail.headers import decode_words
from channels.mail.incoming.markup import drop_invisible, has_quote_marks, visible_text
from channels.mail.wordless import Part

MAX_DEPTH = 5
"""The deepest nesting of multiparts that is read."""

MAX_PARTS = 100
"""The most parts that are read."""

MAX_LISTED = 10
"""The most attachments that are listed."""

MAX_TEXT = 262_144
"""The longest text that is read, in characters: the source of all parts together, before HTML becomes text."""

_BYTES_PER_CHARACTER = 4  # an encoded character takes at most so many, but for odd cases, in which less is read
_MAX_HEAD = 65_536  # bytes of a part's headers that are read
_MAX_VALUE = 2_000  # characters of a header value: the parser of parameters takes quadratic time
_MAX_BOUNDARIES = 10_000  # possible boundary lines of a multipart that are read
_NO_CHARSETS = frozenset(
    {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "utf_7"}
)
_MAILS = frozenset({"message/rfc822", "message/global"})
_DELIMITER = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")
_FIELD = re.compile(rb"^(content-(?:type|transfer-encoding|disposition))[ \t]*:(.*(?:\n[ \t].*)*+)", re.I | re.M)
_MAIL_FIELD = re.compile(rb"^(from|date|to|cc|subject)[ \t]*:(.*(?:\n[ \t].*)*+)", re.I | re.M)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Body:
    """The content of a mail.

    Attributes:
        text: the text, with quotations; lines end with LF.
        forwarded: the mails that are attached to it, with `> ` before each line; empty = there are none.
        parts: those that are not in `text`; at most `MAX_LISTED`.
        left_out: the number of further such parts.
        cut: the text was longer than is read.
        incomplete: the mail has more parts than `MAX_PARTS`, or deeper ones than `MAX_DEPTH`.
    """

    text: str
    forwarded: str = ""
    parts: tuple[Part, ...] = ()
    left_out: int = 0
    cut: bool = False
    incomplete: bool = False

    def note(self) -> str:
        """Return sentences for the model about what the text does not show; empty = it shows everything."""
        notes = []
        if not self.text.strip() and not self.forwarded:
            notes.append("the mail had no text")
        if self.cut:
            notes.append(f"the mail was cut after {MAX_TEXT} characters")
        if self.parts:
            more = f" and {self.left_out} more" if self.left_out else ""
            notes.append(f"attachments were left out: {', '.join(part.name or part.type for part in self.parts)}{more}")
        if self.incomplete:
            notes.append("the mail has more parts than are read")
        return "; ".join(notes)


@dataclass(slots=True)
class _Part:
    head: Message
    body: bytes
    parts: list[_Part] = field(default_factory=list)
    mail: bytes | None = None  # the headers of the attached mail whose content is in `parts`; they may be empty

    @property
    def type(self) -> str:
        return self.head.get_content_type()

    @property
    def name(self) -> str:
        """The file name of the part; empty = it has none."""
        try:
            return decode_words(self.head.get_filename() or "")[:100]
        except (LookupError, ValueError):
            return "unreadable name"

    @property
    def attached(self) -> bool:
        disposition = str(self.head.get("content-disposition", "")).strip().lower()
        return disposition.startswith("attachment") or (self.type != "text/html" and bool(self.name))

    @property
    def readable(self) -> bool:
        """Whether the part is text of the mail and not an attachment."""
        return self.type in ("text/plain", "text/html") and not self.attached


class _Reader:
    """Splits a mail into its parts, up to `MAX_PARTS` and `MAX_DEPTH`, and reads their text, up to `MAX_TEXT`.

    Attributes:
        seen: the number of parts.
        left: the number of characters that may still be read.
        incomplete: there are more or deeper parts.
        cut: there is more text.
    """

    def __init__(self) -> None:
        self.seen = 0
        self.left = MAX_TEXT
        self.incomplete = False
        self.cut = False

    def read(self, head: bytes, body: bytes, depth: int = 0) -> _Part:
        part = _Part(_fields(head[:_MAX_HEAD]), body)
        self.seen += 1
        if part.type in _MAILS and depth < MAX_DEPTH and self.seen < MAX_PARTS:
            part.mail, inner_body = _head_and_body(_content(part, len(body)))
            part.parts.append(self.read(part.mail, inner_body, depth + 1))
            return part
        boundary = _parameter(part.head, "boundary")
        if part.head.get_content_maintype() != "multipart" or not boundary:
            return part
        if depth == MAX_DEPTH:
            self.incomplete = True
            return part
        for inner in _split(body, boundary):
            if self.seen >= MAX_PARTS:
                self.incomplete = True
                break
            part.parts.append(self.read(*_head_and_body(inner), depth + 1))
        return part

    def text(self, part: _Part) -> str:
        """Return the text of a part and of those in it, without attached mails."""
        if part.mail is not None:
            return ""
        if part.parts and part.type == "multipart/alternative":
            plain = [inner for inner in part.parts if inner.type == "text/plain"]
            rich = [inner for inner in reversed(part.parts) if inner.type != "text/plain"]
            order = [*rich, *plain] if any(map(self._marks_quotes, rich)) else [*plain, *rich]
            return next((text for inner in order if (text := self.text(inner)).strip()), "")
        if part.parts:
            return "\n".join(text for inner in part.parts if (text := self.text(inner)).strip())
        if not part.readable:
            return ""
        text = _decoded(part, self.left * _BYTES_PER_CHARACTER)
        self.cut = self.cut or len(text) > self.left or len(part.body) > self.left * _BYTES_PER_CHARACTER
        text = text[: self.left]
        self.left -= len(text)
        if part.type == "text/html":
            return visible_text(text)
        if _parameter(part.head, "format").lower() == "flowed":
            return _unflowed(text, delete_space=_parameter(part.head, "delsp").lower() == "yes")
        return text

    def forwarded(self, part: _Part) -> Iterator[str]:
        """Yield each attached mail: some of its headers, and its text."""
        for inner in part.parts:
            if part.mail is not None:
                head = part.mail[:_MAX_HEAD].replace(b"\r\n", b"\n")
                headers = (f"{name.decode().title()}: {_header(value)}" for name, value in _MAIL_FIELD.findall(head))
                yield "\n".join([*headers, "", self.text(inner).strip()])
            yield from self.forwarded(inner)

    def _marks_quotes(self, part: _Part) -> bool:
        """Return whether a part is HTML that says what is quoted in it."""
        html = (leaf for leaf in _leaves(part) if leaf.readable and leaf.type == "text/html")
        return any(has_quote_marks(_decoded(leaf, self.left * _BYTES_PER_CHARACTER)) for leaf in html)


def read_body(raw: bytes) -> Body:
    """Return the content of a mail. It never raises."""
    reader = _Reader()
    root = reader.read(*_head_and_body(raw))
    text = reader.text(root)
    text = _plain(text)
    forwarded = "\n\n".join(
        "\n".join(f"> {line}".rstrip() for line in _plain(mail).split("\n")) for mail in reader.forwarded(root)
    )
    parts = [_unread(part) for part in _leaves(root) if not part.readable]
    return Body(
        text=text[:MAX_TEXT],
        forwarded=forwarded[:MAX_TEXT],
        parts=tuple(parts[:MAX_LISTED]),
        left_out=max(0, len(parts) - MAX_LISTED),
        cut=reader.cut or len(text) > MAX_TEXT,
        incomplete=reader.incomplete,
    )


def _plain(text: str) -> str:
    """Return text without control and invisible characters; lines end with LF."""
    return _CONTROL.sub("", drop_invisible(text.replace("\r\n", "\n").replace("\r", "\n")))


def _header(value: bytes) -> str:
    return decode_words(value[:_MAX_VALUE].decode("utf-8", "replace"))


def _unread(part: _Part) -> Part:
    """Return what the sender is told about a part that is not read."""
    detail = "" if part.type == "text/calendar" and part.attached else "method"
    detail = "smime-type" if part.type.endswith("pkcs7-mime") else detail
    return Part(part.type, part.name, _parameter(part.head, detail).lower() if detail else "")


def _unflowed(text: str, *, delete_space: bool) -> str:
    """Return text with the lines joined that the mail program has wrapped (RFC 3676 sections 4.2 to 4.5)."""
    paragraphs: list[list[str]] = []
    depth, open_line = 0, False
    for line in text.replace("\r\n", "\n").split("\n"):
        content = line.lstrip(">")
        quotes = len(line) - len(content)
        content = content.removeprefix(" ")
        flows = content.endswith(" ") and content != "-- "
        shown = content[:-1] if flows and delete_space else content
        if open_line and quotes == depth and content != "-- ":
            paragraphs[-1].append(shown)
        else:
            paragraphs.append([f"{'>' * quotes} {shown}" if quotes else shown])
        depth, open_line = quotes, flows
    return "\n".join(map("".join, paragraphs))


def _leaves(part: _Part) -> Iterator[_Part]:
    for inner in part.parts:
        yield from _leaves(inner)
    if not part.parts:
        yield part


def _fields(head: bytes) -> Message:
    """Return those headers of a part that say how to read it, each once. No other headers are parsed."""
    fields = Message()
    for name, value in _FIELD.findall(head):
        if name.decode() not in fields:
            fields[name.decode()] = " ".join(value[:_MAX_VALUE].decode("ascii", "surrogateescape").split())
    return fields


def _decoded(part: _Part, limit: int) -> str:
    """Return the text in the first `limit` bytes of a part. Wrong headers do not make it fail."""
    content = _content(part, limit)
    for charset in (_parameter(part.head, "charset"), "utf-8"):
        try:
            if charset and codecs.lookup(charset).name.replace("-", "_") not in _NO_CHARSETS:
                return content.decode(charset)
        except (LookupError, ValueError):
            continue
    return content.decode("cp1252", "replace")


def _content(part: _Part, limit: int) -> bytes:
    """Return the first `limit` bytes of a part, decoded."""
    encoding = str(part.head.get("content-transfer-encoding", "")).strip().lower()
    content = part.body[:limit]
    if encoding == "quoted-printable":
        return quopri.decodestring(content)
    if encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", content)
        return binascii.a2b_base64(letters[: len(letters) // 4 * 4] + _last_group(letters))
    return content


def _last_group(letters: bytes) -> bytes:
    """Return the last group of base64 text with its padding restored. A single letter holds no byte."""
    rest = letters[len(letters) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def _parameter(head: Message, name: str) -> str:
    """Return a parameter of Content-Type; empty = it is missing or invalid."""
    try:
        value = head.get_param(name)
    except (LookupError, ValueError):
        return ""
    return (value[2] if isinstance(value, tuple) else value or "").strip()


def _head_and_body(raw: bytes) -> tuple[bytes, bytes]:
    if raw.startswith((b"\r\n", b"\n")):
        return b"", raw.lstrip(b"\r\n")
    blanks = [(at, len(blank)) for blank in (b"\r\n\r\n", b"\n\n") if (at := raw.find(blank)) >= 0]
    if not blanks:
        return raw, b""
    at, length = min(blanks)
    return raw[:at], raw[at + length :]


def _split(body: bytes, boundary: str) -> Iterator[bytes]:
    """Yield the parts between the boundary lines (RFC 2046 section 5.1.1). Preamble and epilogue are no parts."""
    marker = b"--" + boundary.encode("utf-8", "surrogateescape")
    start, at = -1, body.find(marker)
    for _ in range(_MAX_BOUNDARIES):
        if at < 0:
            break
        rest = _DELIMITER.match(body, at + len(marker))
        if rest is not None and (at == 0 or body[at - 1 : at] == b"\n"):
            if start >= 0:
                yield body[start:at].removesuffix(b"\n").removesuffix(b"\r")
            if rest[1]:
                return
            start = rest.end()
        at = body.find(marker, at + len(marker))
    if start >= 0:
        yield body[start:]
