"""The ports `AuditStore`, the audit trail, which shows when it was tampered with, and `DroppedStore`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from supervisor.protocol.messages import MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One entry of the audit trail.

    Attributes:
        seq: 1, 2, 3, ... without a gap.
        epoch: the start of the daemon that wrote it.
        actor: a user's id, "supervisor" or "operator".
        mac: the seal over this entry and the seal before it.
    """

    seq: int
    at_ms: int
    epoch: int
    actor: str
    event: str
    detail: Mapping[str, Any]
    mac: bytes


class AuditStore(Protocol):
    """The audit trail; each entry seals the one before."""

    async def record(self, actor: str, event: str, detail: dict[str, Any], *, now_ms: int) -> None:
        """Append an entry."""

    async def verify(self) -> str | None:
        """Check the whole chain; None = intact, else a sentence that names the first bad row."""

    async def entries(self, *, after: int, limit: int) -> list[AuditEntry]:
        """Return the entries after a number, in their order."""

    async def last(self) -> int:
        """Return the number of the newest entry; 0 = there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedMessage:
    """A message that was dropped or refused.

    Attributes:
        sender: as the message says; it may be forged.
        why: the reason.
        message: the fields of the `Inbound`; None = they are not kept, and the message cannot be let in.
        let_in_ms: when an operator let it in; None = nobody did.
        message_id: of the message that it became; None = of none.
    """

    id: int
    channel: str
    sender: str
    why: str
    at_ms: int
    message: Mapping[str, Any] | None = None
    let_in_ms: int | None = None
    message_id: MessageId | None = None


class DroppedStore(Protocol):
    """Messages that were dropped or refused: the newest of each channel, for 30 days."""

    async def add(self, channel: str, sender: str, why: str, message: Mapping[str, Any] | None, *, now_ms: int) -> None:
        """Record a dropped message and its entry in the audit trail.

        Args:
            message: JSON values; None = the message cannot be let in.
        """

    async def list(self, channel: str, *, limit: int) -> list[DroppedMessage]:
        """Return the dropped messages of a channel, newest first."""

    async def get(self, dropped_id: int) -> DroppedMessage | None:
        """Return a dropped message, or None."""

    async def let_in(self, dropped_id: int, message_id: MessageId, actor: str, *, now_ms: int) -> None:
        """Record that an operator let a message in, once, with its entry in the audit trail."""
