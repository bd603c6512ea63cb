"""What comes in, what goes out, and the ids that name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NewType

UserId = NewType("UserId", str)
"""A user as the operator named them."""

SessionId = NewType("SessionId", str)
"""A session, `[A-Za-z0-9._-]{1,64}`, chosen by the client or by us."""

MessageId = NewType("MessageId", str)
"""UUIDv7 text of an accepted prompt or of an answer; the id of a turn is that of its prompt."""

ProjectName = NewType("ProjectName", str)
"""The NAME of a `[projects.NAME]` table."""

OutboxId = NewType("OutboxId", str)
"""UUID text of a reply that leaves by a channel."""


class Trust(StrEnum):
    """How sure the channel is of who is writing (facts/delivery-and-security.md 3.2)."""

    CLAIMED = "claimed"
    """The provider vouches for the message, not for the sender."""
    VERIFIED = "verified"
    """The sender's address is proven: a signature, DMARC, or a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a person or a service is reached.

    Attributes:
        kind: the channel that reaches it: "sms", "mail", "socket", ...
        value: normalised by the channel: E.164, a lower-case mailbox, a token's name.
    """

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How the answer travels back, kept with the message until it is answered.

    Attributes:
        channel: the channel that carries it.
        to: whom it reaches.
        account: our own side: the number or mailbox that the message came to.
        meta: what the channel needs to build the answer (subject, thread headers); JSON values only.
    """

    channel: str
    to: Address
    account: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)


PLAIN_CHANNELS = frozenset({"sms", "mail", "socket"})
"""Channels whose replies are plain texts and mails that people read, with no fields for anything besides. Those of the
socket are handed on by the service that took the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A message as a channel hands it in.

    Attributes:
        channel: the channel's name.
        account: our own side of it; part of the key that makes the message unique.
        dedup_key: the provider's id of the message: the same key is the same message.
        sender: who wrote it.
        trust: how sure the channel is of that.
        text: what they wrote, without quotes and markup.
        subject: of a mail, else empty.
        thread: the conversation it belongs to by its headers, or None.
        reply: how to answer; None where nobody can be answered.
        digest: hash of the whole message, to tell a repetition from a clash of keys; hex.
        note: what the model is told besides the text (attachments that were left out, ...).
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a message that was handed in; given only after the commit.

    Attributes:
        message_id: the accepted prompt, or None where nothing was accepted (unknown or forged sender).
        duplicate: the message was accepted before.
    """

    message_id: MessageId | None
    duplicate: bool = False


FOR_ALL = "for_all"
"""In the meta of a reply by the socket: the service that hands it on speaks for every user."""

VERBATIM = "verbatim"
"""Key of `Outbound.meta`, true where the text is no Markdown: it is shown to the letter."""

SENTENCE = "sentence"
"""The same where it is a sentence of ours: names of files and a person's words in it are no Markdown either, and what
typographers like may be written as a keyboard has it."""


def in_a_sentence(reply: Reply) -> Reply:
    """Return the way of a reply that is no Markdown."""
    return replace(reply, meta={**reply.meta, SENTENCE: True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """A reply that a channel is asked to deliver.

    Attributes:
        id: stable over retries and restarts.
        text: Markdown, unless the meta says VERBATIM or SENTENCE.
        attempt: 1 for the first try.
        sending_since: when the first try of an unknown outcome began, milliseconds UTC; None before it.
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
    """The provider has it.

    Attributes:
        provider_id: the provider's id of it.
        segments: how many SMS segments it took, or None.
        note: what was left out of it, for the record.
    """

    provider_id: str
    segments: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The provider certainly does not have it: it may be sent again."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The provider cannot say yet: ask again later."""


Reconciled = Sent | NotSent | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a provider reported about a reply after it took it.

    Attributes:
        outbox_id: which reply, where the report names it; else `provider_id` does.
        state: "sent", "delivered" or "undelivered".
        error: the reason in plain words, empty where there is none.
        price_nanos: the price in nanodollars, or None where it is not known yet.
    """

    outbox_id: OutboxId | None = None
    provider_id: str
    state: str
    error: str = ""
    price_nanos: int | None = None


def well_formed(text: str) -> str:
    """Return a text that UTF-8 can hold: half a surrogate pair, legal in JSON, becomes the replacement character."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
