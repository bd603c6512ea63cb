"""The ports `AuditStore`, the audit trail, which shows when it was tampered with, and `DroppedStore`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from supervisor.protocol.messages import MessageId
from supervisor.protocol.values.record import record
from supervisor.store.records.accounts import Actor


@record
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


@record
class AuditFilter:
    """Which entries of the audit trail are wanted; every condition must hold.

    Attributes:
        since_ms: not older than this; None = from the first one.
        until_ms: older than this; None = up to the newest one.
        actor: exactly this actor; empty = any.
        event: this event, or those that begin with it and a dot ("turn" is "turn.completed" too); empty = any.
    """

    since_ms: int | None = None
    until_ms: int | None = None
    actor: str = ""
    event: str = ""


EVERYTHING = AuditFilter()


class AuditStore(Protocol):
    """The audit trail; each entry seals the one before.

    Old entries are cut off by `cut`, which leaves a sealed checkpoint: the number and the seal of the last entry that
    was cut off. The chain goes on from there.
    """

    async def record(self, actor: str, event: str, detail: dict[str, Any], *, now_ms: int) -> None:
        """Append an entry."""

    async def verify(self) -> str | None:
        """Check the whole chain, from the checkpoint on; None = intact, else a sentence that names the first bad row.

        A trail without an entry is not intact where there are users: adding one leaves an entry.
        """

    async def entries(self, *, after: int, limit: int, where: AuditFilter = EVERYTHING) -> list[AuditEntry]:
        """Return the entries after a number, in their order."""

    async def newest(self, *, before: int | None, limit: int, where: AuditFilter = EVERYTHING) -> list[AuditEntry]:
        """Return the entries before a number, newest first; None = from the newest one on."""

    async def last(self) -> int:
        """Return the number of the newest entry; 0 = there is none."""

    async def first(self) -> int:
        """Return the number of the oldest entry that is kept; 0 = there is none."""

    async def cut(self, *, before_ms: int, limit: int, now_ms: int) -> int:
        """Cut off at most `limit` of the oldest entries, as far as they are older than a time; return how many.

        The newest entry always stays.
        """


@record
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

    async def let_in(self, dropped_id: int, message_id: MessageId, by: Actor, *, now_ms: int) -> None:
        """Record that somebody let a message in, once, with its entry in the audit trail."""
