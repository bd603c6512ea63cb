"""REST: downloads of a turn: its patch, or a file as the turn left it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from supervisor.operations.changes.changes import ChangeOperations
from supervisor.undo.undo import Undo
from supervisor.wires.http.auth import Calling
from supervisor.wires.http.download import MAX_DOWNLOAD, attachment
from supervisor.wires.rest.changes.changes import MessageQuery
from supervisor.wires.rest.resource import SESSION, Endpoint, Id


class DownloadRoutes:
    """The routes of downloads; the caller must be allowed to read the session's messages."""

    def __init__(self, changes: ChangeOperations, undo: Undo) -> None:
        self._changes = changes
        self._undo = undo

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", f"{SESSION}/changes/patch", self.patch),
            Endpoint("GET", f"{SESSION}/changes/file", self.file),
        ]

    async def patch(self, caller: Calling, session_id: Id, message_id: MessageQuery = None) -> Response:
        """Return what a turn changed as a patch for `git apply`, at most 20 MB."""
        turn = await self._changes.find(caller, session_id, message_id)
        return attachment(f"{turn.message_id}.patch", await self._undo.patch(turn, limit=MAX_DOWNLOAD))

    async def file(
        self,
        caller: Calling,
        session_id: Id,
        path: Annotated[str, Query(min_length=1, max_length=4096)],
        message_id: MessageQuery = None,
    ) -> Response:
        """Return a file that a turn changed, as the turn left it, at most 20 MB."""
        turn = await self._changes.find(caller, session_id, message_id)
        return attachment(path, await self._undo.content(turn, path, limit=MAX_DOWNLOAD))
