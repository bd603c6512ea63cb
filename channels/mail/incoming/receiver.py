"""The way of one mail through the modules of `incoming/`, from the bytes of the LMTP server to an `Inbound`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from channels.mail.bounces import may_be_bounce, read_bounce
from channels.mail.config import MailConfig
from channels.mail.headers import MAX_REFERENCES, Headers, MalformedMail, split
from channels.mail.incoming.answers import letters
from channels.mail.incoming.body import MAX_TEXT, Body, read_body
from channels.mail.incoming.footers import is_program_line
from channels.mail.incoming.introductions import is_quoted
from channels.mail.incoming.loops import LOOP, automatic_reason
from channels.mail.incoming.quotes import FOREIGN, MIXED, OwnText, Thread, ending, own_text
from channels.mail.incoming.sender import SenderNotProven, parse_author, proven_sender
from channels.mail.incoming.signatures import examine
from channels.mail.incoming.workers import MailWorkers
from channels.mail.message_ids import reply_id
from channels.mail.outgoing.compose import MAX_SUBJECT
from channels.mail.wordless import QUOTATION, told
from supervisor.protocol.messages import Address, Delivery, Inbound, Outbound, OutboxId, Reply, Trust, plain_subject
from supervisor.protocol.ports.channel import ChannelHost

CHANNEL = "mail"

MAX_KEPT = 65_536
"""The largest mail that is dropped and kept, in bytes. The text of a larger one is read only with a proven sender."""

_MAX_ANSWERS = 5  # earlier answers that are looked for in the quoted text


class Receiver:
    """Hands mail to the core. Mail whose sender is not proven, and automatic mail, is dropped and never answered.

    The content of a mail is looked at last: only where its sender is proven and a user of ours. A small mail that only
    claims to come from a user is read too, so that an operator can let it in.
    """

    def __init__(self, config: MailConfig, host: ChannelHost) -> None:
        self._config = config
        self._host = host
        self._workers = MailWorkers()

    async def receive(self, raw: bytes, envelope_sender: str) -> None:
        """Hand one mail to the core, or drop it with an entry in the audit trail.

        Args:
            raw: the mail as the mail server delivered it.
            envelope_sender: the address of MAIL FROM; empty or `<>` = the null sender.

        Raises:
            StorageError: nothing was accepted or recorded.
            TemporaryFailure: the mail could not be read in time.
        """
        digest = await self._workers.run(_sha256, raw)
        try:
            headers, content = split(raw)
        except MalformedMail as reason:
            await self._host.dropped(envelope_sender or "<>", f"mail {digest[:16]}: {reason}")
            return
        try:
            automatic = automatic_reason(headers, envelope_sender, self._config.domain)
            if automatic is not None and automatic != LOOP:
                if await self._reported(headers, content, envelope_sender):
                    return
                raise _Unwanted(automatic)
            sender = self._sender(headers)
            evidence = examine(headers, sender, self._config, datetime.now(UTC))
        except (SenderNotProven, _Unwanted) as reason:
            claimed = self._claimed(headers)
            kept = claimed and len(raw) <= MAX_KEPT
            message = await self._inbound(raw, headers, claimed, content, digest) if kept else None
            await self._host.dropped(claimed or envelope_sender or "<>", f"mail {digest[:16]}: {reason}", message)
            return
        inbound = await self._inbound(raw, headers, sender, content, digest)
        inbound = replace(
            inbound,
            trust=Trust.VERIFIED,
            dedup_key=evidence.key or inbound.dedup_key,
            doubt=evidence.doubt,
            automatic=automatic or "",
        )
        receipt = await self._host.accept(inbound)
        if receipt.duplicate:
            await self._host.dropped(sender, f"mail {digest[:16]}: it was accepted before")

    async def _reported(self, headers: Headers, content: bytes, envelope_sender: str) -> bool:
        """Record the bounce of an answer of ours; return whether the mail is one.

        Raises:
            StorageError: nothing was recorded.
        """
        if not may_be_bounce(headers, envelope_sender):
            return False
        bounce = await self._workers.run(read_bounce, headers, content, self._config.domain)
        return bounce is not None and await self._host.delivered(
            Delivery(
                outbox_id=OutboxId(bounce.outbox_id),
                provider_id=bounce.message_id,
                state="undelivered",
                error=bounce.reason,
            )
        )

    def _sender(self, headers: Headers) -> str:
        """Return the proven author of a mail: a user of ours.

        Raises:
            SenderNotProven: the author is not proven.
            _Unwanted: the mail must not be answered.
        """
        sender = proven_sender(headers, self._config.trusted_authserv_id)
        if self._config.is_ours(sender):
            raise _Unwanted("it comes from our own address")
        if not self._host.knows(Address(kind=CHANNEL, value=sender)):
            raise _Unwanted(f"nobody has the address {sender}")
        return sender

    def _claimed(self, headers: Headers) -> str:
        """Return the address in From if a user has it; else nobody can let the mail in, and its text is not read."""
        written = headers.all("from")
        try:
            claimed = parse_author(written[0]).address if len(written) == 1 else ""
        except SenderNotProven:
            return ""
        known = claimed and not self._config.is_ours(claimed) and self._host.knows(Address(kind=CHANNEL, value=claimed))
        return claimed if known else ""

    async def _inbound(self, raw: bytes, headers: Headers, sender: str, content: bytes, digest: str) -> Inbound:
        """Read a mail; the result says nothing about its proof.

        Raises:
            TemporaryFailure: it could not be read in time.
        """
        replies = await self._replies(headers)
        reading = await self._workers.run(_read, raw, headers, sender, content, self._thread(replies))
        own = next(iter(headers.message_ids("message-id")), "")
        parents, references = headers.message_ids("in-reply-to"), headers.message_ids("references")
        named = self._named(headers)
        thread = await self._host.find_thread(named) if named else None
        subject = headers.words("subject")
        return Inbound(
            channel=CHANNEL,
            account=self._config.mailbox,
            dedup_key=reading.key,
            sender=Address(kind=CHANNEL, value=sender),
            trust=Trust.CLAIMED,
            text="\n\n".join(filter(None, [reading.own.text, reading.body.forwarded])),
            subject="" if _repeats(subject, replies) else subject,
            thread=thread or next(iter([*references[:1], *parents[:1], own]), "") or reading.key,
            reply=Reply(
                channel=CHANNEL,
                to=Address(kind=CHANNEL, value=sender),  # not Reply-To: only From is proven
                account=self._config.mailbox,
                meta=_answer_headers(subject, own, references),
            ),
            digest=digest,
            unreadable=_unreadable(reading, subject),
            note="; ".join(filter(None, [*_notes_of_quotes(reading), reading.body.note()])),
        )

    async def _replies(self, headers: Headers) -> list[Outbound]:
        """Return our earlier replies that the headers of a mail name, the newest first."""
        named = self._named(headers)
        return (await self._host.sent_replies(named))[:_MAX_ANSWERS] if named else []

    def _named(self, headers: Headers) -> list[str]:
        """Return the ids by which the core knows the answers of ours that a mail answers, the newest first.

        An answer that is on its way has no provider id yet: a person may answer it before its server has confirmed it.
        """
        named = _answered(headers)
        own = {each: reply_id(each, self._config.domain) for each in named}
        return [each for message_id in named for each in (message_id, own[message_id]) if each is not None]

    def _thread(self, replies: Sequence[Outbound]) -> Thread:
        return Thread([reply.text[:MAX_TEXT] for reply in replies], (self._config.mailbox, self._config.name))


class _Unwanted(Exception):
    """A mail must not be answered. `str(error)` is the reason."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """The content of a mail.

    Attributes:
        key: deduplication key: a hash of Message-ID, sender and content. The Message-ID alone is not enough, because a
            sender can choose the id of another mail.
    """

    body: Body
    own: OwnText
    key: str


def _answered(headers: Headers) -> list[str]:
    """Return the message ids that a mail answers, the newest first (RFC 5322 section 3.6.4).

    The subject does not count: any sender can write any subject.
    """
    parents, references = headers.message_ids("in-reply-to"), headers.message_ids("references")
    return list(dict.fromkeys([*parents[:1], *reversed(references[-MAX_REFERENCES:]), *references[:1]]))


def _unreadable(reading: _Reading, subject: str) -> str:
    """Return what the sender of a mail is told that has no words for us; empty = it has some."""
    if reading.body.forwarded:
        return ""  # a mail that is attached may be the reason of this one, as one that is quoted in it
    text = reading.own.text
    ours = reading.own.note.startswith(MIXED)  # text of others that is quoted may be the reason of the mail
    quoted = ours and text and all(is_quoted(line) or not line.strip() for line in text.split("\n"))
    return QUOTATION if quoted else told(text, plain_subject(subject), reading.body.parts, reading.body.left_out)


def _notes_of_quotes(reading: _Reading) -> Sequence[str]:
    """Return the notes about quoted lines in the text for the core."""
    own = reading.own.note
    attached = bool(reading.body.forwarded) and MIXED not in own and FOREIGN not in own
    return [own, FOREIGN] if attached else [own]


def _repeats(subject: str, replies: Sequence[Outbound]) -> bool:
    """Return whether a subject is that of the replies that its mail answers; marks in front of it do not count."""
    words = letters(plain_subject(subject))
    earlier = [letters(plain_subject(str(reply.meta.get("subject", "")))[:MAX_SUBJECT]) for reply in replies]
    return any(words.endswith(known) if known else not words for known in earlier)


def _read(raw: bytes, headers: Headers, sender: str, content: bytes, answered: Thread) -> _Reading:
    body = read_body(raw)
    key = hashlib.sha256()
    for part in (headers.first("message-id").encode(), sender.encode(), content):
        key.update(len(part).to_bytes(8, "big"))
        key.update(part)
    return _Reading(body, _without_program_line(own_text(body.text, answered)), key.hexdigest())


def _without_program_line(own: OwnText) -> OwnText:
    """Return no text where it is only a line such as "Sent from my iPhone"."""
    if not is_program_line(own.text):
        return own
    return OwnText("", "; ".join(filter(None, [own.note, ending([own.text.strip()])])))


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _answer_headers(subject: str, answered: str, references: list[str]) -> dict[str, Any]:
    kept = references if len(references) <= MAX_REFERENCES else [references[0], *references[-MAX_REFERENCES:]]
    return {"subject": subject, "in_reply_to": answered, "references": kept}
