"""Differences and undo, at the node that works in the project's folder."""

from __future__ import annotations

from typing import Any

from supervisor.operations.owner.owners import Owners
from supervisor.protocol.messages import UserId
from supervisor.store.ports.changes import ChangedTurn
from supervisor.undo.undo import Difference, Undo, UndoDirection, UndoResult


class UndoAtOwner(Undo):
    """`Undo` of a node that may not be the one with the folder. Whoever acts keeps the folder until the act ends.

    Args:
        parts: as of `Undo`.
    """

    def __init__(self, owners: Owners, *parts: Any) -> None:
        super().__init__(*parts)
        self._owners = owners
        owners.offer("undo.difference", self._difference)
        owners.offer("undo.patch", self._patch)
        owners.offer("undo.content", self._content)
        owners.offer("undo.take_back", self._take_back)

    async def difference(self, turn: ChangedTurn) -> Difference:
        """Return what a turn changed."""
        if (node := await self._node(turn)) is None:
            return await self._difference(turn)
        found: Difference = await self._owners.ask(node, "undo.difference", turn=turn)
        return found

    async def patch(self, turn: ChangedTurn, *, limit: int) -> bytes:
        """Return what a turn changed as a patch."""
        if (node := await self._node(turn)) is None:
            return await self._patch(turn, limit)
        found: bytes = await self._owners.ask(node, "undo.patch", turn=turn, limit=limit)
        return found

    async def content(self, turn: ChangedTurn, path: str, *, limit: int) -> bytes:
        """Return a file that a turn changed, as the turn left it."""
        if (node := await self._node(turn)) is None:
            return await self._content(turn, path, limit)
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
            return await self._take_back(turn, by, user_id, dry_run, direction)
        given = {"by": by, "user_id": user_id, "dry_run": dry_run, "direction": direction}
        found: UndoResult = await self._owners.ask(node, "undo.take_back", turn=turn, **given)
        return found

    async def _node(self, turn: ChangedTurn) -> str | None:
        return await self._owners.enter(turn.session_id, turn.project)

    async def _difference(self, turn: ChangedTurn) -> Difference:
        async with self._owners.working(turn.session_id, turn.project):
            return await super().difference(turn)

    async def _patch(self, turn: ChangedTurn, limit: int) -> bytes:
        async with self._owners.working(turn.session_id, turn.project):
            return await super().patch(turn, limit=limit)

    async def _content(self, turn: ChangedTurn, path: str, limit: int) -> bytes:
        async with self._owners.working(turn.session_id, turn.project):
            return await super().content(turn, path, limit=limit)

    async def _take_back(
        self, turn: ChangedTurn, by: str, user_id: UserId | None, dry_run: bool, direction: UndoDirection | None
    ) -> UndoResult:
        async with self._owners.working(turn.session_id, turn.project):
            return await super().take_back(turn, by, user_id=user_id, dry_run=dry_run, direction=direction)
