"""Messages that were dropped or refused: recorded with the reason, and let in by an operator."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from supervisor.intake.reading import is_command
from supervisor.people.rate_limits import RateLimits
from supervisor.protocol.errors import MessageNotFound, XswarmError
from supervisor.protocol.messages import Address, Inbound, MessageId, Reply, Trust, well_formed
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.audit import DroppedStore
from supervisor.store.records.accounts import Actor

logger = logging.getLogger(__name__)

MAX_KEPT = 65_536
"""The longest text of a message that is kept, in characters."""


class MessageNotKept(XswarmError):
    """A dropped message cannot be let in."""

    code = "message_not_kept"
    remedy = "have its sender send it again"

    def __init__(self, number: int, why: str) -> None:
        super().__init__(number, why)
        self.number = number
        self.why = why

    def __str__(self) -> str:
        return f"Message {self.number} cannot be let in: {self.why}"


class DroppedMessages:
    """Records dropped messages, and returns one that an operator lets in."""

    def __init__(self, store: DroppedStore, rates: RateLimits, clock: Clock = now_ms) -> None:
        self._store = store
        self._rates = rates
        self._clock = clock

    async def record(self, channel: str, sender: str, why: str, message: Inbound | None = None) -> None:
        """Record a message that starts nothing. Over a limit per hour and channel nothing is recorded but the log.

        Args:
            message: what an operator may let in; None = it cannot be let in.

        Raises:
            StorageError: nothing was recorded.
        """
        logger.info("%s: a message was dropped: %s", channel, why)
        # A command word may hold a passphrase, which is stored nowhere, and it would come too late.
        if message is not None and (len(message.text) > MAX_KEPT or is_command(message.text, message.subject)):
            message = None
        if self._rates.trace(channel, kept=message is not None):
            kept = None if message is None else asdict(message)
            await self._store.add(channel, well_formed(sender)[:320], why[:300], kept, now_ms=self._clock())

    async def take(self, dropped_id: int) -> Inbound:
        """Return a dropped message in the form in which it is let in: nothing else keeps it from running.

        Raises:
            MessageNotFound: no dropped message has this number.
            MessageNotKept: it is not kept.
        """
        found = await self._store.get(dropped_id)
        if found is None:
            raise MessageNotFound(str(dropped_id))
        if found.message is None:
            raise MessageNotKept(dropped_id, "it is not kept")
        message = _inbound(found.message)
        return replace(message, dedup_key=f"let in:{dropped_id}", doubt="", automatic="")

    async def let_in(self, dropped_id: int, message_id: MessageId, by: Actor) -> None:
        """Record that a message was let in.

        Raises:
            StorageError: nothing was recorded.
        """
        await self._store.let_in(dropped_id, message_id, by, now_ms=self._clock())


def _inbound(fields: Mapping[str, Any]) -> Inbound:
    """Return the message whose fields were kept by `record`, also by an older version."""
    known = {name: value for name, value in fields.items() if name in Inbound.__dataclass_fields__}
    reply = known.get("reply")
    return Inbound(
        **known
        | {
            "sender": Address(**known["sender"]),
            "trust": Trust(known["trust"]),
            "reply": None if reply is None else Reply(**reply | {"to": Address(**reply["to"])}),
        }
    )
