"""Recognises the bounces of our own answers: delivery status notifications (RFC 3464), and two older forms.

The sender of a bounce cannot be proven. What it reports counts because it names the Message-ID of our answer, which
nobody can guess. None of its words are shown to people: the reason is made from its status code (RFC 3463).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels.mail.headers import Headers
from channels.mail.message_ids import message_id, pattern

MAX_READ = 262_144
"""The bytes of a bounce that are read. What they report stands before the content of the bounced mail."""

_REPORT = re.compile(r"multipart/report\b", re.IGNORECASE)
_STATUS_PART = re.compile(rb"^content-type:[ \t]*message/(?:global-)?delivery-status\b", re.IGNORECASE | re.MULTILINE)
_ACTION = re.compile(rb"^action:[ \t]*([a-z]+)", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(rb"^status:[ \t]*([245]\.\d{1,3}\.\d{1,3})", re.IGNORECASE | re.MULTILINE)
_CODE = re.compile(rb"(?<![\d.])5\.\d{1,3}\.\d{1,3}(?![\d.])")
_QMAIL = b"--- Below this line is a copy of the message."  # https://cr.yp.to/proto/qsbmf.txt

_REASONS = {
    "1.1": "there is no such mailbox",
    "1.2": "there is no such mail domain",
    "1.6": "the mailbox has moved",
    "1.10": "there is no such mailbox",
    "2.1": "the mailbox is disabled",
    "2.2": "the mailbox is full",
    "2.3": "the mail is too large for the mailbox",
    "3.4": "the mail is too large for the mail server",
    "4.1": "the mail server does not answer",
    "4.4": "the mail server cannot be found",
    "4.7": "the mail server did not take it in time",
    "7.1": "the mail server refuses mail from us",
}
_SUBJECTS = {
    "1": "the address is wrong",
    "2": "the mailbox cannot take mail",
    "3": "the mail system of the recipient cannot take it",
    "4": "the mail server of the recipient cannot be reached",
    "7": "the mail server refuses it by its rules",
}
_OTHER = "the mail server of the recipient refuses it"


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report that an answer of ours was not delivered.

    Attributes:
        outbox_id: the id of the answer.
        message_id: its Message-ID, as we wrote it.
        reason: why, as part of a sentence.
    """

    outbox_id: str
    message_id: str
    reason: str


def may_be_bounce(headers: Headers, envelope_sender: str) -> bool:
    """Return whether a mail may report on another one: such a mail has the null sender (RFC 5321 section 4.5.5)."""
    return envelope_sender in ("", "<>") or _REPORT.match(headers.first("content-type")) is not None


def read_bounce(headers: Headers, content: bytes, domain: str) -> Bounce | None:
    """Return what a bounce reports; None = it is none, it reports a delay or a success, or the mail is not ours.

    Args:
        content: the mail below its headers.
        domain: the domain of our address, lower case.
    """
    content = content[:MAX_READ].replace(b"\r\n", b"\n")
    failure = _failure(headers, content)
    if failure is None:
        return None
    code, original = failure
    ours = pattern(domain)
    named = re.search(
        rb"^message-id:[ \t]*(?:\n[ \t]+)?" + ours.pattern.encode(), original, re.IGNORECASE | re.MULTILINE
    )
    outbox_id = named[1].decode() if named is not None else _answered(headers, ours)
    if outbox_id is None:
        return None
    return Bounce(outbox_id.lower(), message_id(outbox_id.lower(), domain), _reason(code))


def _failure(headers: Headers, content: bytes) -> tuple[str, bytes] | None:
    """Return the status code of a failed delivery and the text with the bounced mail; None = no delivery failed."""
    part = _STATUS_PART.search(content) if _REPORT.match(headers.first("content-type")) else None
    if part is not None:
        fields, _, original = content[part.end() :].partition(b"\n--")
        if b"failed" not in {action.lower() for action in _ACTION.findall(fields)}:
            return None
        codes = _STATUS.findall(fields)
        return next((code.decode() for code in codes if not code.startswith(b"2")), ""), original
    qmail = content.find(_QMAIL)
    if qmail < 0 and not headers.all("x-failed-recipients"):
        return None
    told, original = (content[:qmail], content[qmail:]) if qmail >= 0 else (content, content)
    found = _CODE.search(told)
    return found[0].decode() if found is not None else "", original


def _answered(headers: Headers, ours: re.Pattern[str]) -> str | None:
    """Return the id of the answer that the bounce itself answers: not every mail server returns what it bounces."""
    named = (ours.fullmatch(one) for one in (*headers.message_ids("in-reply-to"), *headers.message_ids("references")))
    return next((match[1] for match in named if match is not None), None)


def _reason(code: str) -> str:
    """Return a status code in words; an empty one is not known."""
    subject, _, detail = code[2:].partition(".")
    words = _REASONS.get(f"{subject}.{detail}") or _SUBJECTS.get(subject, _OTHER)
    return f"{words} (status {code})" if code else words
