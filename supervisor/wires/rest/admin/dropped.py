"""Admin: messages that were dropped or refused, and the way to let one in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Path

from supervisor.protocol.errors import Unsupported
from supervisor.protocol.messages import MessageId
from supervisor.protocol.times import rfc3339
from supervisor.store.ports.audit import DroppedMessage, DroppedStore
from supervisor.store.records.accounts import Actor
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.admin.users import CHANNEL
from supervisor.wires.rest.resource import MAX_ROW_ID, Endpoint

MOST = 1_000
"""Most messages of one answer: all that are kept of a channel."""

LetIn = Callable[[int, Actor], Awaitable[MessageId]]
"""Accepts a dropped message by its number, and returns the id of the message that it becomes (`Intake.let_in`)."""


class DroppedRoutes:
    """The routes of dropped messages.

    Args:
        let_in: None = there is no daemon that could work on a message.
    """

    def __init__(self, dropped: DroppedStore, let_in: LetIn | None) -> None:
        self._dropped = dropped
        self._let_in = let_in

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [Endpoint("POST", "/dropped/{dropped_id}/let-in", self.let_in)]

    def operator_endpoints(self) -> list[Endpoint]:
        """Return the routes that only the operator has; administrators read `/api/dropped`."""
        return [Endpoint("GET", "/dropped/{channel}", self.dropped)]

    async def dropped(self, channel: Annotated[str, Path(max_length=64)]) -> dict[str, Any]:
        """Return the messages of a channel that were dropped or refused within 30 days, newest first.

        `sender` and `subject` are as the message says, and may be forged. A message with `kept` can be let in.
        """
        return {"dropped": [shown(one) for one in await self._dropped.list(channel, limit=MOST)]}

    async def let_in(self, caller: Calling, dropped_id: Annotated[int, Path(ge=0, le=MAX_ROW_ID)]) -> dict[str, Any]:
        """Accept a dropped message as one of the user who has its address; it runs and is answered like any other.

        A second request changes nothing and returns the same `message_id`. A command word is never let in.
        """
        if self._let_in is None:
            raise Unsupported("letting in a message without a running daemon")
        return {"message_id": await self._let_in(dropped_id, caller.actor(CHANNEL))}


def shown(one: DroppedMessage) -> dict[str, Any]:
    """Return a dropped message as the wire shows it."""
    message = one.message or {}
    return {
        "id": one.id,
        "channel": one.channel,
        "sender": one.sender,
        "reason": one.why,
        "at": rfc3339(one.at_ms),
        "subject": str(message.get("subject", "")),
        "message": str(message.get("text", ""))[:200],
        "kept": one.message is not None,
        "let_in_at": rfc3339(one.let_in_ms) if one.let_in_ms is not None else None,
        "message_id": one.message_id,
    }
