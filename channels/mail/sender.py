"""Who has written a mail: one From, proven by the DMARC result of our own mail server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from channels.mail.headers import Headers

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_UNSAFE = re.compile(r"[^A-Za-z0-9.@-]")
_METHOD = re.compile(r"([A-Za-z0-9-]+)(?:\s*/\s*\d+)?\s*=\s*([A-Za-z0-9]+)(?=\s|$)")
_PROPERTY = re.compile(r"(?:^|\s)header\s*\.\s*from\s*=\s*(\"[^\"]*\"|[^\s;]+)", re.IGNORECASE)


class NotProven(Exception):
    """Nobody can be held to have written this mail; says why."""


@dataclass(frozen=True, slots=True)
class Author:
    """The one address in From.

    Attributes:
        address: normalised: lower case, the domain in ASCII.
        plain: it was written in the plainest form, so that every program reads the same address.
    """

    address: str
    plain: bool

    @property
    def domain(self) -> str:
        """What follows the @."""
        return self.address.rpartition("@")[2]


def proven_sender(headers: Headers, trusted_authserv_id: str) -> str:
    """Return the address that wrote the mail, normalised.

    Only the topmost Authentication-Results counts: our mail server writes it last, and everything below may have come
    with the mail (RFC 8601 section 5).

    Raises:
        NotProven: From is not one plain address, or our mail server does not vouch for its domain.
    """
    written = headers.all("from")
    if len(written) != 1:
        raise NotProven(f"it has {len(written)} From headers instead of one")
    author = parse_author(written[0])
    results = headers.all("authentication-results")
    if not results:
        raise NotProven("it has no Authentication-Results")
    vouched = dmarc_pass(results[0], trusted_authserv_id)
    if vouched is None and not author.plain:
        raise NotProven("its DMARC result names no domain, and its From is not plain enough to do without")
    if vouched is not None and vouched != author.domain:
        raise NotProven("its DMARC result is about another domain than From")
    return author.address


def parse_author(value: str) -> Author:
    """Return the address in the value of a From header.

    Raises:
        NotProven: it holds a group, several addresses, or anything that programs read in different ways.
    """
    name, inside, after, plain = "", "", "", True
    place = "name"
    for kind, text in _lexemes(value):
        if kind == "comment":
            plain, text = False, " "
        if kind == "quoted" and place != "name":
            raise NotProven("its From has a quoted address")
        if kind == "quoted":
            name += '"'  # a display name, whatever it says; never part of an address
        elif text == "<" and place == "name":
            place = "address"
        elif text == ">" and place == "address":
            place = "after"
        elif text in "<>,;:":
            raise NotProven("its From is a list, a group or no address at all")
        elif place == "name":
            name += text
        elif place == "address":
            inside += text
        else:
            after += text
    if place == "address" or after.strip():
        raise NotProven("its From is not one address")
    if place == "after" and "@" in name:
        # `admin@example.org <other@example.com>`: not allowed without quotes, and some programs take the first.
        raise NotProven("its From has an address for a name")
    return _normalised(inside if place == "after" else name, plain)


def dmarc_pass(value: str, trusted_authserv_id: str) -> str | None:
    """Return the domain that an Authentication-Results header vouches for by DMARC, or None where it names none.

    Raises:
        NotProven: another server wrote it, or it does not hold exactly one DMARC result, a pass.
    """
    parts = list(_statements(value))
    server = parts[0].split()
    if not server or server[0].strip('"') != trusted_authserv_id or not all(word.isdigit() for word in server[1:]):
        raise NotProven("its topmost Authentication-Results was not written by our mail server")
    statements = [part.strip() for part in parts[1:] if part.strip().lower().startswith("dmarc")]
    if len(statements) != 1:
        # Two results mean that somebody smuggled one in by an unquoted value of another.
        raise NotProven(f"it has {len(statements)} DMARC results instead of one")
    method = _METHOD.match(statements[0])
    if method is None or method[1].lower() != "dmarc" or method[2].lower() != "pass":
        raise NotProven("its DMARC result is no pass")
    domains = {_domain(found.strip('"').rpartition("@")[2]) for found in _PROPERTY.findall(statements[0])}
    if len(domains) > 1:
        raise NotProven("its DMARC result names several domains")
    return domains.pop() if domains else None


def _normalised(address: str, plain: bool) -> Author:
    local, at, domain = address.strip().rpartition("@")
    if not at or not _LOCAL.fullmatch(local):
        # Letters beyond ASCII are refused and not folded: a fullwidth "admin" is another mailbox than "admin".
        raise NotProven("its From is no plain address")
    return Author(f"{local.lower()}@{_domain(domain)}", plain and domain.isascii())


def _domain(text: str) -> str:
    """Return a domain in lower case ASCII; the idna codec applies NFKC (RFC 3490)."""
    if len(text) > 254:
        raise NotProven("a domain in it is malformed")
    try:
        domain = text.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        domain = ""
    if not _DOMAIN.fullmatch(domain):
        raise NotProven("a domain in it is malformed")
    return domain


def _statements(value: str) -> Iterator[str]:
    """Yield what stands between semicolons, comments taken out."""
    statement = ""
    for kind, text in _lexemes(value):
        if kind == "comment":
            statement += " "
        elif kind == "quoted":
            # With its spaces gone nothing in it passes for a property of its own.
            statement += f'"{_UNSAFE.sub("_", text)}"'
        elif text == ";":
            yield statement
            statement = ""
        else:
            statement += text
    yield statement


def _lexemes(value: str) -> Iterator[tuple[str, str]]:
    """Yield ("comment", ""), ("quoted", contents without quotes) and ("char", one character) (RFC 5322 section 3.2).

    Raises:
        NotProven: a comment or a quoted string has no end.
    """
    kind, depth, quoted, escaped = "char", 0, "", False
    for character in value:
        if kind == "char":
            if character == "(":
                kind, depth = "comment", 1
            elif character == '"':
                kind, quoted = "quoted", ""
            elif character == ")":
                raise NotProven("a header about its sender is malformed")
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
        raise NotProven("a header about its sender has no end")
