"""The port `ElsewhereStore`: what other nodes do with turns and accounts, and what this one asks of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from supervisor.protocol.messages import MessageId, UserId
from supervisor.store.records.turn import Turn


class ElsewhereStore(Protocol):
    """What the nodes do that share the database with this one."""

    async def ended(self, message_ids: Collection[str]) -> Sequence[MessageId]:
        """Return those of some messages that have ended on another node."""

    async def running(self, user_id: UserId) -> Sequence[Turn]:
        """Return the turns of a user that run on other nodes, oldest first."""

    async def stop(self, lane: str, by: str, *, now_ms: int) -> Turn | None:
        """Ask the node on which a turn of a lane runs to end it; return the turn, None = none runs on another node.

        Args:
            by: the id of a user, or the name of a program.
        """

    async def stopped(self, turn_ids: Collection[int]) -> Mapping[int, str]:
        """Return which of some running turns somebody has stopped or replaced, and who; empty = it is not known."""

    async def accounts_version(self) -> int:
        """Return a number that grows with each change of users, tokens and sign-ins."""
