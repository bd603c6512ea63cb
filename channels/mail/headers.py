"""The header block of a mail (RFC 5322 section 2.2), parsed strictly.

A header block that two programs could read in different ways is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header

MAX_HEADERS = 1000
"""The most header fields of a mail."""

MAX_HEADER_BYTES = 262_144
"""The largest header block, in bytes."""

MAX_REFERENCES = 20
"""The most message ids of References that we read and write: the first one and the last ones."""

_MAX_DECODED = 4000  # characters of one value that are decoded

_FIELD_START = re.compile(rb"\r\n(?![ \t])")
_FIELD = re.compile(rb"([!-9;-~]+):(.*)", re.DOTALL)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,250}>")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")


class MalformedMail(Exception):
    """The header block does not follow RFC 5322. `str(error)` is the reason."""


@dataclass(frozen=True, slots=True)
class Headers:
    """The header fields of a mail, topmost first.

    Attributes:
        fields: pairs of the name, in lower case, and the unfolded value.
    """

    fields: Sequence[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        """Return the values of all fields with this name (lower case), topmost first."""
        return [value for key, value in self.fields if key == name]

    def first(self, name: str) -> str:
        """Return the value of the topmost field with this name; empty = there is none."""
        return next((value for key, value in self.fields if key == name), "")

    def message_ids(self, name: str) -> list[str]:
        """Return the message ids, each with its `<>`, of all fields with this name, in order."""
        return [found for value in self.all(name) for found in _MESSAGE_ID.findall(value)]

    def words(self, name: str, limit: int = 500) -> str:
        """Return the decoded value of a field as one line of at most `limit` characters."""
        return decode_words(self.first(name))[:limit]


def split(raw: bytes) -> tuple[Headers, bytes]:
    """Return the headers and the body of a mail.

    A lone CR or LF in the headers is refused: a program that ends a line there would see another From than we do.

    Raises:
        MalformedMail: the header block is ambiguous or too large.
    """
    end = raw.find(b"\r\n\r\n", 0, MAX_HEADER_BYTES + 4)
    if end < 0 and len(raw) > MAX_HEADER_BYTES:
        raise MalformedMail("its headers are too long")
    head, body = (raw[:end], raw[end + 4 :]) if end >= 0 else (raw.removesuffix(b"\r\n"), b"")
    text = head.replace(b"\r\n", b"")
    if b"\n" in text or b"\r" in text or b"\0" in text:
        raise MalformedMail("its headers hold a lone CR, LF or NUL")
    entries = _FIELD_START.split(head)
    if len(entries) > MAX_HEADERS:
        raise MalformedMail("it has too many headers")
    fields = []
    for entry in entries:
        match = _FIELD.fullmatch(entry.replace(b"\r\n", b""))
        if match is None:
            raise MalformedMail("a line among its headers is no header")
        name, value = match.groups()
        fields.append((name.decode("ascii").lower(), value.decode("utf-8", "replace").strip()))
    return Headers(fields), body


def decode_words(value: str) -> str:
    """Return a header value with its encoded words (RFC 2047) decoded, as one line without control characters."""
    value = value[:_MAX_DECODED]
    try:
        decoded = str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        decoded = _decode_leniently(value)
    return " ".join(_UNPRINTABLE.sub(" ", decoded).split()).encode("utf-8", "replace").decode()


def _decode_leniently(value: str) -> str:
    """Return a value with U+FFFD for what its character set does not have; the value itself if that is unknown."""
    try:
        parts = decode_header(value)
        return "".join(
            part if isinstance(part, str) else part.decode(charset or "utf-8", "replace") for part, charset in parts
        )
    except (HeaderParseError, LookupError, ValueError):
        return value
