"""Builds an answer as a mail: plain text and HTML, in the thread of the question, marked as automatic.

RFC 5322 (headers), RFC 2046 section 5.1.4 (multipart/alternative), RFC 3834 section 3 (automatic answers).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from typing import Any, cast

from channels.mail.config import MailConfig
from channels.mail.headers import MAX_REFERENCES, decode_words
from channels.mail.message_ids import message_id
from channels.mail.outgoing.page import html_page
from supervisor.protocol.errors import PermanentFailure
from supervisor.protocol.messages import Outbound, plain_subject

NEW_SUBJECT = "xswarm"
"""The subject of a mail that answers none and is given no subject."""

MAX_SUBJECT = 200
"""The longest subject of an answer, in characters, without its `Re: `."""

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,250}>")
_RECIPIENT = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9.-]{1,253}")
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class _MessageIdsHeader(UnstructuredHeader):
    """A header of message ids, one per line.

    The email package would fold a long id into encoded words (RFC 2047), and would decode an id that looks like one.
    """

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        kwds["parse_tree"], kwds["decoded"] = cls.value_parser(""), value

    def fold(self, *, policy: Policy[Any]) -> str:
        lines = f"{policy.linesep} ".join(str(self).split())
        return f"{self.name}: {lines}{policy.linesep}"  # type: ignore[attr-defined]  # the registry adds the name


_REGISTRY = HeaderRegistry()
# The registry itself adds BaseHeader to the bases of the class.
_REGISTRY.map_to_type("in-reply-to", cast(type[BaseHeader], _MessageIdsHeader))
_REGISTRY.map_to_type("references", cast(type[BaseHeader], _MessageIdsHeader))
_POLICY = SMTP.clone(header_factory=_REGISTRY)


def compose(outbound: Outbound, config: MailConfig, now: datetime | None = None) -> EmailMessage:
    """Return an answer, or a mail that nobody asked for: its meta names no mail that it answers.

    Args:
        now: the time of the Date header; None = the current time.

    Raises:
        PermanentFailure: the recipient is not a plain mail address.
    """
    if not _RECIPIENT.fullmatch(outbound.to.value):
        raise PermanentFailure("the recipient is not a plain mail address")
    meta = outbound.meta
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(config.name, addr_spec=config.mailbox)
    mail["To"] = Address(addr_spec=outbound.to.value)
    is_answer = "in_reply_to" in meta
    subject = str(meta.get("subject", ""))
    mail["Subject"] = reply_subject(subject) if is_answer else one_line_subject(subject) or NEW_SUBJECT
    mail["Date"] = now or datetime.now(UTC)
    # The same for all attempts, so that mail programs can deduplicate.
    mail["Message-ID"] = message_id(outbound.id, config.domain)
    answered = _ids([meta.get("in_reply_to")])
    if answered:
        mail["In-Reply-To"] = answered[0]
    references = _references(meta, answered)
    if references:
        mail["References"] = " ".join(references)
    mail["Auto-Submitted"] = "auto-replied" if is_answer else "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"  # Exchange reads this header instead of Auto-Submitted
    text = safe_text(outbound.text)
    mail.set_content(f"{text}\n", cte="quoted-printable")
    mail.add_alternative(html_page(text, meta), subtype="html", cte="quoted-printable")
    return mail


def reply_subject(subject: str) -> str:
    """Return the subject of an answer: one line with one `Re:`, and nothing that looks like an encoded word."""
    return f"Re: {one_line_subject(subject)}".strip()


def one_line_subject(subject: str) -> str:
    """Return a subject on one line, without `Re:`, and with nothing that looks like an encoded word.

    The email package decodes what looks like an encoded word, and cannot write a header that it could not decode.
    """
    return plain_subject(decode_words(subject))[:MAX_SUBJECT].strip().replace("=?", "= ?")


def safe_text(text: str) -> str:
    """Return text without terminal sequences, control characters and characters that change its direction."""
    plain = _UNSAFE.sub("", _TERMINAL.sub("", text.replace("\r\n", "\n")))
    return plain.encode("utf-8", "replace").decode()


def _references(meta: Mapping[str, Any], answered: Sequence[str]) -> list[str]:
    given = meta.get("references")
    known = _ids(given if isinstance(given, list | tuple) else [])
    chain = list(dict.fromkeys([*known, *answered]))
    return chain if len(chain) <= MAX_REFERENCES else [chain[0], *chain[-(MAX_REFERENCES - 1) :]]


def _ids(values: Sequence[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str) and _MESSAGE_ID.fullmatch(value)]
