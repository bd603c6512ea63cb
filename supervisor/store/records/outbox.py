"""A reply that leaves by a channel: as it is written, and as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from supervisor.protocol.messages import Address, MessageId, OutboxId, Reply, UserId
from supervisor.protocol.status import OutboxState


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxDraft:
    """A reply to be written in the same transaction as what caused it.

    Attributes:
        text: None = the answer of the turn, which is stored once.
        not_before_ms: earliest time of the first try.
    """

    id: OutboxId
    reply: Reply
    text: str | None
    not_before_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A reply on its way."""

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
