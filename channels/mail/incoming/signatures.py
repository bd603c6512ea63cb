"""Which DKIM signatures (RFC 6376) prove the sender of a mail, and what they leave open.

DMARC proves the domain in From. It does not prove that the mail is whole, new, and meant for us: a signature can leave
text uncovered, and a signed mail can be sent again to anybody. Our mail server checks the signatures themselves.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from channels.mail.config import MailConfig
from channels.mail.headers import Headers
from channels.mail.incoming.sender import SenderNotProven, safe, statements

ONCE = ("from", "to", "cc", "date", "subject", "content-type")
"""Headers that may stand in a mail once: of two, a program may show another one than the signature covers."""

_MAX_RECIPIENTS = 32_768  # characters of To or Cc that are read
_RESULT = re.compile(r"\s*dkim(?:\s*/\s*\d+)?\s*=\s*(\w+)", re.IGNORECASE)
_PROPERTY = re.compile(r"\sheader\s*\.\s*(d|i|s|b)\s*=\s*(\"[^\"]*\"|[^\s;]+)", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>,;:@\"]{1,64}@[A-Za-z0-9.-]{1,253}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the proof of a mail says beside its sender.

    Attributes:
        key: names the signature that proves the sender; empty = SPF alone proves it.
        doubt: why the mail may be old, changed or meant for others, as part of a sentence; empty = it is not.
    """

    key: str = ""
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class _Signature:
    """The tags of a DKIM-Signature header, names in lower case, values without blanks."""

    tags: Mapping[str, str]

    def covers(self, name: str) -> bool:
        return name in self.tags.get("h", "").lower().split(":")

    def matches(self, passed: Mapping[str, str]) -> bool:
        """Return whether a result of our mail server can be about this signature (RFC 8601, RFC 6008)."""
        if "b" in passed:
            return safe(self.tags.get("b", "")).startswith(passed["b"])
        domain = passed.get("d") or passed.get("i", "").rpartition("@")[2]
        about_domain = not domain or self.tags.get("d", "").lower() == domain.lower()
        return about_domain and passed.get("s", self.tags.get("s", "")).lower() == self.tags.get("s", "").lower()


def examine(headers: Headers, sender: str, config: MailConfig, now: datetime) -> Evidence:
    """Return what the proof of a mail says beside its sender.

    Args:
        sender: the proven address of the author.

    Raises:
        SenderNotProven: a header of `ONCE` stands in the mail twice.
    """
    for name in ONCE:
        if len(headers.all(name)) > 1:
            raise SenderNotProven(f"it has more than one {name.title()} header")
    signatures, missing = _proving(headers, sender.rpartition("@")[2])
    if missing:
        return Evidence(doubt="the signature that proves its sender is not in it")
    if not signatures:
        # SPF proves the server that delivers the mail just now: nobody else can send it again.
        return Evidence(doubt=_age_doubt(headers, config, now, required=False) or _recipient_doubt(headers, config))
    key = hashlib.sha256(min(one.tags.get("b", "") for one in signatures).encode()).hexdigest()
    return Evidence(key=key, doubt=_doubt(headers, signatures, config, now))


def _doubt(headers: Headers, signatures: Sequence[_Signature], config: MailConfig, now: datetime) -> str:
    if any("l" in one.tags for one in signatures):
        return "its signature does not cover all of its text"
    covered = Headers([field for field in headers.fields if all(one.covers(field[0]) for one in signatures)])
    return _age_doubt(covered, config, now, required=True) or _recipient_doubt(covered, config)


def _age_doubt(headers: Headers, config: MailConfig, now: datetime, *, required: bool) -> str:
    written = headers.first("date")
    if not written and not required:
        return ""
    try:
        date = parsedate_to_datetime(written[:200])
        age = now - (date if date.tzinfo is not None else date.replace(tzinfo=UTC))
    except (ValueError, TypeError, IndexError, OverflowError):
        return "no signature proves its date"
    hours = f"{config.max_age_hours:g} hours"
    if abs(age) <= timedelta(hours=config.max_age_hours):
        return ""
    return f"it is more than {hours} old" if age > timedelta() else f"its date is more than {hours} ahead"


def _recipient_doubt(headers: Headers, config: MailConfig) -> str:
    for name in ("to", "cc"):
        value = headers.first(name)[:_MAX_RECIPIENTS]
        try:
            # A quoted string or a comment is no recipient.
            plain = ";".join(part for part in statements(value.replace(";", ",")))
        except SenderNotProven:
            continue
        if any(config.is_ours(found) for found in _ADDRESS.findall(re.sub(r'"[^"]*"', " ", plain))):
            return ""
    return f"it is not addressed to {config.mailbox}"


def _proving(headers: Headers, domain: str) -> tuple[list[_Signature], bool]:
    """Return the signatures that may prove the domain, and whether our mail server names one that is not in the mail.

    All of them are believed together: a false one can only add a doubt.
    """
    aligned = [one for one in map(_parse, headers.all("dkim-signature")) if _aligned(one.tags.get("d", ""), domain)]
    found = [(part, _RESULT.match(part)) for part in list(statements(headers.first("authentication-results")))[1:]]
    results = [(part, result[1].lower()) for part, result in found if result is not None]
    if not results:
        return aligned, False  # another header may hold the results, so any of them may have passed
    passed = [_properties(part) for part, result in results if result == "pass"]
    ours = [one for one in passed if _aligned(one.get("d") or one.get("i", "").rpartition("@")[2] or domain, domain)]
    matching = [one for one in aligned if any(one.matches(result) for result in ours)]
    return matching, bool(ours) and not matching


def _properties(statement: str) -> dict[str, str]:
    return {name.lower(): safe(value.strip('"')) for name, value in _PROPERTY.findall(statement)}


def _parse(value: str) -> _Signature:
    pairs = (tag.partition("=") for tag in value.split(";"))
    return _Signature({name.strip().lower(): "".join(text.split()) for name, _, text in pairs})


def _aligned(signing: str, domain: str) -> bool:
    """Return whether a signing domain may prove a domain of From (RFC 7489 section 3.1.1, relaxed).

    Domains with the same last two labels count as one organisation: rather too many, as each signature can only add a
    doubt.
    """
    return signing.lower().rstrip(".").split(".")[-2:] == domain.split(".")[-2:]
