"""Differences and undo, at the node that works in the project's folder."""

from __future__ import annotations

from typing import Any

from supervisor.operations.owner.owners import Owners
from supervisor.protocol.messages import UserId
from supervisor.store.ports.changes import ChangedTurn
from supervisor.undo.undo import Difference, Undo, UndoDirection, UndoResult


class UndoAtOwner(Undo):
    """`Undo` of a node that may not be the one with the folder.

    Args:
        parts: as of `Undo`.
    """

    def __init__(self, owners: Owners, *parts: Any) -> None:
        super().__init__(*parts)
        self._owners = owners
        owners.offer("undo.difference", super().difference)
        owners.offer("undo.patch", super().patch)
        owners.offer("undo.content", super().content)
        owners.offer("undo.take_back", super().take_back)

    async def difference(self, turn: ChangedTurn) -> Difference:
        """Return what a turn changed."""
        if (node := await self._node(turn)) is None:
            return await super().difference(turn)
        found: Difference = await self._owners.ask(node, "undo.difference", turn=turn)
        return found

    async def patch(self, turn: ChangedTurn, *, limit: int) -> bytes:
        """Return what a turn changed as a patch."""
        if (node := await self._node(turn)) is None:
            return await super().patch(turn, limit=limit)
        found: bytes = await self._owners.ask(node, "undo.patch", turn=turn, limit=limit)
        return found

    async def content(self, turn: ChangedTurn, path: str, *, limit: int) -> bytes:
        """Return a file that a turn changed, as the turn left it."""
        if (node := await self._node(turn)) is None:
            return await super().content(turn, path, limit=limit)
        found: bytes = await self._owners.ask(node, "undo.content", turn=turn, path=path, limit=limit)
        return found

    async def take_back(
        self,
        turn: ChangedTurn,
        by: str,
        *,
        user_id: UserId | None = None,
        dry_run: bool = False,
        direction: UndoDirection | None = None,
    ) -> UndoResult:
        """Take back what a turn changed."""
        if (node := await self._node(turn)) is None:
            return await super().take_back(turn, by, user_id=user_id, dry_run=dry_run, direction=direction)
        given = {"by": by, "user_id": user_id, "dry_run": dry_run, "direction": direction}
        found: UndoResult = await self._owners.ask(node, "undo.take_back", turn=turn, **given)
        return found

    async def _node(self, turn: ChangedTurn) -> str | None:
        return await self._owners.enter(turn.session_id, turn.project)

    async def _lose(self, turn: ChangedTurn, why: str) -> None:
        """Note nothing where there are other nodes: one of them may have the checkpoints that are not here."""
        if not self._owners.are_several:
            await super()._lose(turn, why)
