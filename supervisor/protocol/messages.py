"""Messages between channels and the core, and the ids that name them.

A channel creates an `Inbound` from a text or mail and passes it to `ChannelHost.accept`. The answer leaves as an
`Outbound`, which `Channel.send` delivers. Example of a text message and its answer::

    Inbound(
        channel="sms",
        account="+15005550006",
        dedup_key="SM0123456789abcdef0123456789abcdef",
        sender=Address(kind="sms", value="+15005550009"),
        trust=Trust.CLAIMED,
        text="STATUS",
        reply=Reply(channel="sms", to=Address(kind="sms", value="+15005550009"), account="+15005550006"),
    )
    Outbound(
        id="0197...",
        channel="sms",
        account="+15005550006",
        to=Address(kind="sms", value="+15005550009"),
        text="No sessions.",
    )
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NewType

UserId = NewType("UserId", str)
"""The id of a user, chosen by the operator."""

SessionId = NewType("SessionId", str)
"""The id of a session, `[A-Za-z0-9._-]{1,64}`, chosen by the client or by the core."""

MessageId = NewType("MessageId", str)
"""The id of an accepted prompt or of an answer, UUIDv7 text. A turn has the id of its prompt."""

ProjectName = NewType("ProjectName", str)
"""The NAME of a `[projects.NAME]` table."""

OutboxId = NewType("OutboxId", str)
"""The id of a reply in the outbox, UUID text."""


class Trust(StrEnum):
    """How certain the channel is about the sender."""

    CLAIMED = "claimed"
    """The provider has authenticated the message, but not the sender's address."""
    VERIFIED = "verified"
    """The sender's address is proven, by a signature, DMARC or a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The address of a person or a service.

    Attributes:
        kind: the channel of the address: "sms", "mail", "socket", ...
        value: normalised by the channel: a number in E.164, a mail address in lower case, the name of a token.
    """

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Where to send the answer of a message. It is stored with the message.

    Attributes:
        channel: the name of the channel that delivers the answer.
        to: the recipient.
        account: our own number or mailbox, to which the message came.
        meta: what the channel needs to build the answer (subject, thread headers); JSON values only.
    """

    channel: str
    to: Address
    account: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)


CHAT = "chat"
"""The channel of messages that are written in a chat. Their thread is the id of the chat's session."""

DELEGATED = "delegated"
"""The channel of tasks that the assistant gives Claude Code. Their thread is that of the turn which gave them."""

CONSOLE = "console"
"""The channel of what a person sends from a page of the console other than the chat."""

IN_CHAT = frozenset({CHAT, DELEGATED})
"""Channels whose questions are shown in the chat that their thread names."""

PLAIN_CHANNELS = frozenset({"sms", "mail", "socket"})
"""Channels whose replies are texts and mails that people read. They have no fields for other data, so the core writes
such data (costs, names of projects) into the text. A service delivers the replies of the socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A message that a channel hands to the core.

    Attributes:
        channel: the name of the channel.
        account: our own number or mailbox; part of the key for deduplication.
        dedup_key: the provider's id of the message. The core accepts one message per `channel`, `account` and key.
        sender: the sender's address.
        trust: how certain the channel is about `sender`.
        text: what the sender wrote, without quotations and markup.
        subject: the subject of a mail; empty where it only repeats that of the mail that is answered, and for other
            messages.
        thread: the id of the conversation, from the message's headers; None = the headers name none.
        reply: where to send the answer; None = no answer can be sent.
        digest: hash of the whole message in hex. It tells a repetition from another message with the same key.
        note: information for the model beside the text, e.g. the names of attachments that were left out.
        doubt: why the message may not be new or not as its sender wrote it, as part of a sentence. Such a message does
            not run by itself: its sender is asked. Empty = there is no doubt.
        automatic: why the message looks like an automatic answer, as part of a sentence. Of such a message only command
            words are carried out. Empty = it does not.
        unreadable: what came in place of words, and what its sender can do, as sentences. Such a message starts nothing
            unless its text or subject has a command word or names Claude Code, the assistant or a project. Empty =
            `text` is what the sender wrote.
    """

    channel: str
    account: str
    dedup_key: str
    sender: Address
    trust: Trust = Trust.VERIFIED
    text: str
    subject: str = ""
    thread: str | None = None
    reply: Reply | None = None
    digest: str = ""
    note: str = ""
    doubt: str = ""
    automatic: str = ""
    unreadable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The result of handing in a message. It is returned after the commit.

    Attributes:
        message_id: the id of the accepted prompt; None = nothing was accepted (the sender is unknown or not proven).
        duplicate: the same message was accepted earlier.
    """

    message_id: MessageId | None
    duplicate: bool = False


FOR_ALL = "for_all"
"""Key of the meta of a socket reply: true = the service that delivers it has a token for every user."""

VERBATIM = "verbatim"
"""Key of the meta of a reply: true = the text is not Markdown and must not be changed in any way."""

SENTENCE = "sentence"
"""Key of the meta of a reply: true = the text is a sentence of the daemon, not Markdown. File names and words of users
in it are not interpreted. Typographic characters may be replaced by plain ones."""


def in_a_sentence(reply: Reply) -> Reply:
    """Return `reply` with the mark `SENTENCE`."""
    return replace(reply, meta={**reply.meta, SENTENCE: True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """A reply that a channel is to deliver.

    Attributes:
        id: the same for all attempts, also after a restart. Use it as the provider's idempotency key if there is one.
        account: our own number or mailbox to send from; empty = the channel's default.
        text: Markdown, unless `meta` has `VERBATIM` or `SENTENCE`.
        meta: `Reply.meta` of the message that is answered.
        attempt: the number of this attempt, from 1.
        sending_since: start of the first attempt of unknown outcome, in milliseconds since 1970 UTC; None = none yet.
        message_id: the id of the message that is answered; None = the reply is a notice.
    """

    id: OutboxId
    channel: str
    account: str
    to: Address
    text: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1
    sending_since: int | None = None
    message_id: MessageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The provider has accepted the reply.

    Attributes:
        provider_id: the provider's id of the reply. Delivery reports and `ChannelHost.find_thread` refer to it.
        segments: the number of SMS segments; None = not known, or not an SMS.
        note: what was cut or left out, for the record; empty = nothing.
    """

    provider_id: str
    segments: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The provider certainly does not have the reply: the core may send it again."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The provider cannot tell yet: the core asks again later."""


Reconciled = Sent | NotSent | Unknown
"""The result of `Channel.reconcile`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A provider's delivery report: what happened to a reply after the provider accepted it.

    Attributes:
        outbox_id: the id of the reply, if the report names it; None = `provider_id` identifies the reply.
        state: "sent", "delivered" or "undelivered".
        error: the reason in plain words; empty = no error.
        price_nanos: the price in nanodollars; None = not known yet.
    """

    outbox_id: OutboxId | None = None
    provider_id: str
    state: str
    error: str = ""
    price_nanos: int | None = None


SUBJECT_MARKS = re.compile(
    r"(?:(?:re|res|r|rif|aw|antw|sv|vs|odp|ynt|atb|回复|回覆|答复|答覆|转发|轉寄|返信|답장|fwd?|wg|tr|rv|enc|i|doorst|vb|pd|vl)"
    r"\s*(?:\[\d+\])?\s*[:：]\s*)+",
    re.IGNORECASE,
)
"""The marks of replies and forwards that mail programs of several languages put before a subject."""


def plain_subject(subject: str) -> str:
    """Return a subject as one line, without the marks of replies and forwards."""
    line = " ".join(subject.split())
    marks = SUBJECT_MARKS.match(line)
    return line[marks.end() :] if marks is not None else line


def has_subject_mark(subject: str) -> bool:
    """Return whether a mail program put the mark of a reply or of a forwarded mail before a subject."""
    return SUBJECT_MARKS.match(subject.strip()) is not None


def well_formed(text: str) -> str:
    """Return `text` so that it can be stored and sent: surrogate pairs are joined; lone ones and NUL become U+FFFD.

    JSON allows surrogates in its escapes (RFC 8259 section 8.2). No store keeps NUL reliably: SQLite's functions end a
    text there, and PostgreSQL refuses it.
    """
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
