"""Proves who wrote a mail: one address in From (RFC 5322 section 3.6.2) with a DMARC pass (RFC 7489).

Our mail server checks DMARC and writes the result into Authentication-Results (RFC 8601).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from channels.mail.headers import Headers

# An atom and a dot-atom (RFC 5322 section 3.2.3).
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
# Characters of a quoted string that could look like syntax.
_UNSAFE = re.compile(r"[^A-Za-z0-9.@-]")
# `method/version=result` and `header.from=value` (RFC 8601 section 2.2).
_METHOD = re.compile(r"([A-Za-z0-9-]+)(?:\s*/\s*\d+)?\s*=\s*([A-Za-z0-9]+)(?=\s|$)")
_PROPERTY = re.compile(r"(?:^|\s)header\s*\.\s*from\s*=\s*(\"[^\"]*\"|[^\s;]+)", re.IGNORECASE)

MAX_FROM = 4_000
"""The longest value of From that is read, in characters."""

MAX_RESULTS = 16_384
"""The longest value of Authentication-Results that is read, in characters."""

_NAME, _ADDRESS, _AFTER = "name", "address", "after"
"""The parts of `name <address> after` in the value of From. Without brackets, the name is the address."""

_BRACKETS = {(_NAME, "<"): _ADDRESS, (_ADDRESS, ">"): _AFTER}
"""The part that follows a bracket."""


class SenderNotProven(Exception):
    """The author of the mail is not proven. `str(error)` is the reason."""


@dataclass(frozen=True, slots=True)
class Author:
    """The address in From.

    Attributes:
        address: in lower case, the domain in ASCII.
        plain: From has no comments and an ASCII domain, so that every program reads the same address.
    """

    address: str
    plain: bool

    @property
    def domain(self) -> str:
        """The part after the @."""
        return self.address.rpartition("@")[2]


def proven_sender(headers: Headers, trusted_authserv_id: str) -> str:
    """Return the address of the author in lower case.

    Only the topmost Authentication-Results counts. Our mail server writes it last; the ones below may have come with
    the mail (RFC 8601 section 5).

    Raises:
        SenderNotProven: From is not one plain address, or its domain has no DMARC pass of our mail server.
    """
    written = headers.all("from")
    if len(written) != 1:
        raise SenderNotProven(f"it has {len(written)} From headers instead of one")
    author = parse_author(written[0])
    results = headers.all("authentication-results")
    if not results:
        raise SenderNotProven("it has no Authentication-Results")
    passed = dmarc_pass(results[0], trusted_authserv_id)
    if passed is None and not author.plain:
        raise SenderNotProven("its DMARC result names no domain, and its From can be read in different ways")
    if passed is not None and passed != author.domain:
        raise SenderNotProven("its DMARC result is about another domain than From")
    return author.address


def parse_author(value: str) -> Author:
    """Return the address in the value of a From header.

    Raises:
        SenderNotProven: the value is a group, has several addresses, or can be read in different ways.
    """
    if len(value) > MAX_FROM:
        raise SenderNotProven("its From is too long")
    parts = {_NAME: "", _ADDRESS: "", _AFTER: ""}
    place, plain = _NAME, True
    for kind, text in _lexemes(value):
        plain = plain and kind != "comment"
        if kind == "char" and (place, text) in _BRACKETS:
            place = _BRACKETS[place, text]
        else:
            parts[place] += _kept(kind, text, place)
    if place == _ADDRESS or parts[_AFTER].strip():
        raise SenderNotProven("its From is not one address")
    if place == _AFTER and "@" in parts[_NAME]:
        # `admin@example.org <other@example.com>` is invalid without quotes, and some programs take the first address.
        raise SenderNotProven("its From has an address for a name")
    return _normalised(parts[_ADDRESS] if place == _AFTER else parts[_NAME], plain)


def _kept(kind: str, text: str, place: str) -> str:
    """Return what a lexeme of From adds to its part.

    Raises:
        SenderNotProven: it makes From a list, a group or a quoted address.
    """
    if kind == "comment":
        return " "
    if kind == "quoted":
        if place != _NAME:
            raise SenderNotProven("its From has a quoted address")
        return '"'  # a display name; its content is never part of an address
    if text in "<>,;:":
        raise SenderNotProven("its From is a list, a group or no address at all")
    return text


def dmarc_pass(value: str, trusted_authserv_id: str) -> str | None:
    """Return the domain that passed DMARC by an Authentication-Results header; None = the result names no domain.

    Args:
        value: the value of the header.
        trusted_authserv_id: the authserv-id of our mail server.

    Raises:
        SenderNotProven: another server wrote the header, or it does not have exactly one DMARC result, a pass.
    """
    if len(value) > MAX_RESULTS:
        raise SenderNotProven("its Authentication-Results is too long")
    parts = list(statements(value))
    server = parts[0].split()
    if not server or server[0].strip('"') != trusted_authserv_id or not all(word.isdigit() for word in server[1:]):
        raise SenderNotProven("its topmost Authentication-Results was not written by our mail server")
    found = [part.strip() for part in parts[1:] if part.strip().lower().startswith("dmarc")]
    if len(found) != 1:
        # A second result can be smuggled in by the unquoted value of another method.
        raise SenderNotProven(f"it has {len(found)} DMARC results instead of one")
    method = _METHOD.match(found[0])
    if method is None or method[1].lower() != "dmarc" or method[2].lower() != "pass":
        raise SenderNotProven("its DMARC result is not a pass")
    domains = {_domain(name.strip('"').rpartition("@")[2]) for name in _PROPERTY.findall(found[0])}
    if len(domains) > 1:
        raise SenderNotProven("its DMARC result names several domains")
    return domains.pop() if domains else None


def _normalised(address: str, plain: bool) -> Author:
    local, at, domain = address.strip().rpartition("@")
    if not at or not _LOCAL.fullmatch(local):
        # Letters beyond ASCII are refused: folding would turn a fullwidth "admin" into the mailbox "admin".
        raise SenderNotProven("its From is not a plain address")
    return Author(f"{local.lower()}@{_domain(domain)}", plain and domain.isascii())


def _domain(text: str) -> str:
    """Return a domain in lower case ASCII; the idna codec applies NFKC (RFC 3490)."""
    if len(text) > 254:
        raise SenderNotProven("a domain in it is malformed")
    try:
        domain = text.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        domain = ""
    if not _DOMAIN.fullmatch(domain):
        raise SenderNotProven("a domain in it is malformed")
    return domain


def safe(text: str) -> str:
    """Return text in which no character looks like syntax."""
    return _UNSAFE.sub("_", text)


def statements(value: str) -> Iterator[str]:
    """Yield the parts between semicolons, without comments."""
    statement = ""
    for kind, text in _lexemes(value):
        if kind == "comment":
            statement += " "
        elif kind == "quoted":
            # Without spaces, nothing in the quoted string can look like a property.
            statement += f'"{safe(text)}"'
        elif text == ";":
            yield statement
            statement = ""
        else:
            statement += text
    yield statement


def _lexemes(value: str) -> Iterator[tuple[str, str]]:
    """Yield the lexemes of a header value (RFC 5322 section 3.2).

    They are ("comment", ""), ("quoted", content without quotes) and ("char", one character).

    Raises:
        SenderNotProven: a comment or a quoted string has no end.
    """
    kind, depth, quoted, escaped = "char", 0, "", False
    for character in value:
        if kind == "char":
            if character == "(":
                kind, depth = "comment", 1
            elif character == '"':
                kind, quoted = "quoted", ""
            elif character == ")":
                raise SenderNotProven("a header about its sender is malformed")
            else:
                yield "char", character
        elif escaped:
            escaped = False
            quoted += character if character not in '"\\' else "_"
        elif character == "\\":
            escaped = True
        elif kind == "quoted":
            if character == '"':
                kind = "char"
                yield "quoted", quoted
            else:
                quoted += character
        else:
            depth += {"(": 1, ")": -1}.get(character, 0)
            if depth == 0:
                kind = "char"
                yield "comment", ""
    if kind != "char":
        raise SenderNotProven("a header about its sender has no end")
