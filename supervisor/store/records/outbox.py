"""Replies that leave by a channel: a draft, and the row of the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from supervisor.protocol.messages import Address, MessageId, OutboxId, Reply, UserId
from supervisor.protocol.status import OutboxState
from supervisor.protocol.values.record import record


@record
class OutboxDraft:
    """A reply that a transaction is to write to the outbox.

    Attributes:
        id: made by the caller; the same id is written once.
        reply: the channel and address that the reply goes to.
        text: None = the answer of the turn, which is stored in one place only.
        not_before_ms: earliest time of the first attempt; 0 = at once.
    """

    id: OutboxId
    reply: Reply
    text: str | None
    not_before_ms: int = 0


@record
class OutboxRow:
    """A reply as it is stored.

    Attributes:
        to: the recipient on the channel.
        meta: what the channel needs besides, such as a subject; "prefix" and "footer" frame the text.
        attempts: sends that were begun, this one included while `state` is SENDING.
        not_before_ms: earliest time of the next attempt.
        sending_ms: when the last send began; None = none did.
        provider_id: the provider's id of the message; None = not known yet.
        note: why the last attempt failed, or what the channel noted when it sent, such as "more:<offset>".
        user_id: None = it is for nobody that the daemon knows.
        message_id: the prompt that it answers; None = it belongs to no turn.
    """

    id: OutboxId
    state: OutboxState
    channel: str
    account: str
    to: Address
    text: str
    meta: Mapping[str, Any]
    attempts: int
    not_before_ms: int
    sending_ms: int | None
    created_ms: int
    provider_id: str | None
    note: str
    user_id: UserId | None
    message_id: MessageId | None
