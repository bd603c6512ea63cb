"""The mail channel as a plug-in."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from channels.mail.body import Body, read_body
from channels.mail.compose import MAX_REFERENCES, compose, message_id
from channels.mail.config import MailConfig
from channels.mail.delivery import Submission
from channels.mail.headers import Headers, MalformedMail, split
from channels.mail.inbox import Inbox
from channels.mail.loops import ReplyRate, automatic
from channels.mail.quotes import Written, written
from channels.mail.sender import NotProven, proven_sender
from supervisor.protocol.messages import Address, Inbound, NotSent, Outbound, Reconciled, Reply, Sent, Trust
from supervisor.protocol.ports import Channel, ChannelHost, ChannelPlugin

logger = logging.getLogger(__name__)

NAME = "mail"


class MailChannel(Channel):
    """Answers by SMTP, receives by LMTP.

    Args:
        password: of the submission server, or None where there is no login.

    Attributes:
        lmtp_address: where mail is taken in while `run` serves, `host:port` or a path; None before that.
    """

    name = NAME

    def __init__(self, config: MailConfig, host: ChannelHost, password: str | None) -> None:
        self._config = config
        self._host = host
        self._submission = Submission(config, password)
        self._inbox = Inbox(config, self.receive, host.comes_from_agent)
        self._rate = ReplyRate(time.monotonic)
        self.lmtp_address: str | None = None

    async def send(self, outbound: Outbound) -> Sent:
        mail = compose(outbound, self._config)
        await self._submission.submit(mail.as_bytes(policy=mail.policy), outbound.to.value)
        return Sent(provider_id=message_id(outbound, self._config))

    async def reconcile(self, outbound: Outbound) -> Reconciled:
        """Return NotSent, so that it is sent again.

        SMTP has no way to ask what became of a mail. The repetition carries the same Message-ID, by which mailboxes
        and mail programs know the two copies for one; a lost answer would be the greater harm.
        """
        return NotSent()

    async def run(self, ready: Callable[[], None]) -> None:
        async with self._inbox.listening() as self.lmtp_address:
            logger.info("mail for %s is taken in at %s", self._config.mailbox, self.lmtp_address)
            ready()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.lmtp_address = None

    async def receive(self, raw: bytes, envelope_sender: str) -> None:
        """Take in one mail as the mail server handed it over; what cannot be trusted is dropped and never answered.

        Raises:
            StorageError: nothing was accepted.
        """
        digest = await asyncio.to_thread(_sha256, raw)
        try:
            headers, content = split(raw)
            sender = self._sender(headers, envelope_sender)
        except (MalformedMail, NotProven, _Unwanted) as reason:
            await self._host.dropped(envelope_sender or "<>", f"mail {digest[:16]}: {reason}")
            return
        # A large mail takes a while: not on the loop that everything else runs on.
        reading = await asyncio.to_thread(_read, raw, headers, sender, content)
        inbound = await self._inbound(headers, sender, reading, digest)
        receipt = await self._host.accept(inbound)
        if receipt.message_id is not None and not receipt.duplicate:
            self._rate.count(sender)

    def _sender(self, headers: Headers, envelope_sender: str) -> str:
        """Return who has written a mail that may be answered.

        Raises:
            NotProven: nobody can be held to it.
            _Unwanted: it must not be answered.
        """
        reason = automatic(headers, envelope_sender, self._config.domain)
        if reason is not None:
            raise _Unwanted(reason)
        sender = proven_sender(headers, self._config.trusted_authserv_id)
        if self._config.is_ours(sender):
            raise _Unwanted("it comes from our own address")
        if self._rate.exhausted(sender):
            raise _Unwanted("its sender has had too many answers within the hour")
        return sender

    async def _inbound(self, headers: Headers, sender: str, reading: _Reading, digest: str) -> Inbound:
        own = next(iter(headers.message_ids("message-id")), "")
        parents, references = headers.message_ids("in-reply-to"), headers.message_ids("references")
        # Never by subject: anybody can write one (RFC 5322 section 3.6.4 has the headers for it).
        named = list(dict.fromkeys([*parents[:1], *reversed(references[-MAX_REFERENCES:]), *references[:1]]))
        thread = await self._host.find_thread(named) if named else None
        return Inbound(
            channel=NAME,
            account=self._config.mailbox,
            dedup_key=reading.key,
            sender=Address(kind=NAME, value=sender),
            trust=Trust.VERIFIED,
            text=reading.written.text,
            subject=headers.words("subject"),
            thread=thread or next(iter([*references[:1], *parents[:1], own]), "") or reading.key,
            reply=Reply(
                channel=NAME,
                to=Address(kind=NAME, value=sender),  # never Reply-To: only From is proven
                account=self._config.mailbox,
                meta=_answer_headers(headers.words("subject"), own, references),
            ),
            digest=digest,
            note="; ".join(filter(None, [reading.written.note, reading.body.note()])),
        )


class _Unwanted(Exception):
    """A mail that must not be answered; says why."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was read of a mail.

    Attributes:
        key: what makes it the same mail; its Message-ID alone will not do, anybody can choose one beforehand.
    """

    body: Body
    written: Written
    key: str


def _read(raw: bytes, headers: Headers, sender: str, content: bytes) -> _Reading:
    body = read_body(raw)
    key = hashlib.sha256()
    for part in (headers.first("message-id").encode(), sender.encode(), content):
        key.update(len(part).to_bytes(8, "big"))
        key.update(part)
    return _Reading(body, written(body.text), key.hexdigest())


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _answer_headers(subject: str, answered: str, references: list[str]) -> dict[str, Any]:
    kept = references if len(references) <= MAX_REFERENCES else [references[0], *references[-MAX_REFERENCES:]]
    return {"subject": subject, "in_reply_to": answered, "references": kept}


def _build(config: MailConfig, host: ChannelHost) -> MailChannel:
    """Build the channel.

    Raises:
        ConfigError: a login is configured and its password is not set.
    """
    return MailChannel(config, host, host.secret("SMTP_PASSWORD") if config.smtp.username else None)


PLUGIN = ChannelPlugin(name=NAME, config=MailConfig, build=_build)
