"""REST: what turns changed in files, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from supervisor.operations.queries import Queries
from supervisor.protocol.limits import Between
from supervisor.protocol.messages import MessageId, SessionId
from supervisor.protocol.times import rfc3339
from supervisor.store.ports.changes import ChangeStore, StoredOperation
from supervisor.undo.undo import Undo, UndoDirection
from supervisor.wires.http.auth import Calling, documented
from supervisor.wires.http.idempotency import Repeated
from supervisor.wires.rest.admin import MAX_SEQ
from supervisor.wires.rest.answers import Failure

Id = Annotated[str, Path(max_length=256)]
MessageQuery = Annotated[str | None, Query(min_length=1, max_length=64)]


class UndoBody(BaseModel):
    """Which turn; null = the last one of the session that changed files."""

    message_id: Annotated[str | None, Query(max_length=64)] = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOperation:
    """A call that edited a file, or, with no tool_use_id, a path that a turn left other than it found it.

    Hashes are the SHA-256 of the file for a call (64 digits), and those of git blobs for the others (40 digits).
    """

    id: int
    tool_use_id: str | None
    session_id: str
    message_id: str
    user_id: str
    path: str
    tool: str
    status: str
    before_hash: str | None
    after_hash: str | None
    timestamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOperations:
    """File operations, newest first; the smallest id as `before` gives the next page."""

    operations: Sequence[FileOperation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a turn changed; `why` says why it cannot be taken back, where it cannot."""

    session_id: str
    message_id: str
    files: Sequence[FileOperation]
    diff: str
    undone: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What an undo did, or with dry_run would do; `undone`: the turn's changes are not there any more."""

    session_id: str
    message_id: str
    paths: Sequence[str]
    dry_run: bool
    undone: bool


class ChangesApi:
    """The routes, over what carries them out."""

    def __init__(self, changes: ChangeStore, queries: Queries, undo: Undo) -> None:
        self._changes = changes
        self._queries = queries
        self._undo = undo

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(responses={"default": {"model": Failure}})
        session = "/api/claude-code/sessions/{session_id}"
        router.add_api_route(f"{session}/changes", self.changes, methods=["GET"], dependencies=[documented])
        router.add_api_route(f"{session}/undo", self.undo, methods=["POST"], dependencies=[documented])
        router.add_api_route("/api/file-operations", self.operations, methods=["GET"], dependencies=[documented])
        return router

    async def changes(self, caller: Calling, session_id: Id, message_id: MessageQuery = None) -> Changes:
        """Return what a turn changed, as a diff: that of a message, or the last one that changed files."""
        session = await self._queries.session(caller, SessionId(session_id))
        found = await self._undo.difference(await self._undo.find(session.id, message_id))
        return Changes(
            session_id=session_id,
            message_id=found.turn.message_id,
            files=[_operation(operation) for operation in found.operations],
            diff=found.diff,
            undone=found.turn.undone,
            why=found.why,
        )

    async def undo(self, caller: Calling, session_id: Id, body: UndoBody, same: Repeated) -> Undone:
        """Take back what a turn changed; where that was done before, take the undo back."""
        session = await self._queries.session(caller, SessionId(session_id))
        turn = await self._undo.find(session.id, body.message_id)
        done = await self._undo.take_back(turn, caller.name, user_id=caller.user_id, dry_run=body.dry_run)
        return Undone(
            session_id=session_id,
            message_id=turn.message_id,
            paths=[path.encode(errors="replace").decode() for path in done.paths],
            dry_run=done.dry_run,
            undone=(done.way is UndoDirection.BACK) is not done.dry_run,
        )

    async def operations(
        self,
        caller: Calling,
        session_id: Annotated[str | None, Query(max_length=256)] = None,
        message_id: MessageQuery = None,
        user_id: Annotated[str | None, Query(max_length=64)] = None,
        path: Annotated[str | None, Query(max_length=4096)] = None,
        before: Annotated[int | None, Query(ge=0, le=MAX_SEQ)] = None,
        limit: Annotated[int, Between(1, 500), Query()] = 100,
    ) -> FileOperations:
        """Return which files were changed by which turn, tool and user."""
        if session_id is not None:
            await self._queries.session(caller, SessionId(session_id))
        user = self._queries.user(caller, user_id).id if user_id is not None else caller.user_id
        found = await self._changes.operations(
            user_id=user,
            session_id=SessionId(session_id) if session_id is not None else None,
            message_id=MessageId(message_id) if message_id is not None else None,
            path=path,
            before=before,
            limit=limit,
        )
        return FileOperations(operations=[_operation(operation) for operation in found])


def _operation(operation: StoredOperation) -> FileOperation:
    return FileOperation(
        id=operation.id,
        tool_use_id=operation.tool_use_id or None,
        session_id=operation.session_id,
        message_id=operation.message_id,
        user_id=operation.user_id,
        path=operation.path,
        tool=operation.tool,
        status=operation.status,
        before_hash=operation.before_hash,
        after_hash=operation.after_hash,
        timestamp=rfc3339(operation.at_ms),
    )
