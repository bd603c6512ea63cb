"""REST: the file changes of a turn, undo, and the list of file operations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from supervisor.delivery.sizes import page
from supervisor.operations.changes.changes import ChangeOperations
from supervisor.protocol.times import rfc3339
from supervisor.protocol.values.record import record
from supervisor.store.ports.changes import ChangedTurn, StoredOperation
from supervisor.undo.undo import Undo, UndoDirection
from supervisor.wires.http.auth import Calling
from supervisor.wires.http.idempotency import GivenKey
from supervisor.wires.rest.agents.files import TYPES
from supervisor.wires.rest.resource import MAX_ROW_ID, SESSION, Endpoint, Id, Limit

SHOWN = 200
"""Most characters of a prompt in a list."""

MessageQuery = Annotated[str | None, Query(min_length=1, max_length=64)]


class UndoBody(BaseModel):
    """The turn to undo; null = the last turn of the session that changed files.

    `direction` "back" undoes it and "again" takes the undo back; null = whichever is possible now.
    """

    message_id: Annotated[str | None, Query(max_length=64)] = None
    dry_run: bool = False
    direction: UndoDirection | None = None


@record
class FileOperation:
    """An edit by one tool call; without a `tool_use_id`, a path that differs before and after a turn.

    `type` is "create", "modify" or "delete", `filepath` the whole path; `rolled_back`: the turn was undone.
    The hashes of a tool call are SHA-256 of the file (64 digits), those of a turn are git blob ids (40 digits).
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
    type: str
    filepath: str
    rolled_back: bool


@record
class FileOperations:
    """File operations, newest first; pass the smallest id as `before` to get the next page.

    A page holds at most 1 MB. If `truncated`, it holds fewer than `limit` for that reason.
    """

    operations: Sequence[FileOperation]
    truncated: bool


@record
class Changes:
    """The file changes of a turn; `why` says why they cannot be undone, empty if they can.

    `message` is the beginning of its prompt; `timestamp` the time before its first change.
    """

    session_id: str
    message_id: str
    user_id: str
    project: str
    message: str
    timestamp: str
    files: Sequence[FileOperation]
    diff: str
    undone: bool
    why: str


@record
class ListedTurn:
    """A turn that has changed files; `message` is the beginning of its prompt.

    `files` is null where it is not known how many. `why` says why it cannot be undone, empty if it can.
    """

    session_id: str
    message_id: str
    user_id: str
    project: str
    message: str
    files: int | None
    undone: bool
    why: str
    timestamp: str


@record
class ListedTurns:
    """Turns that have changed files, newest first; pass `next_before` as `before` to get the next page.

    It is null on the last page.
    """

    turns: Sequence[ListedTurn]
    next_before: int | None


@record
class Undone:
    """What an undo did, or with `dry_run` would do; `undone` tells whether the turn's changes are reverted now."""

    session_id: str
    message_id: str
    paths: Sequence[str]
    dry_run: bool
    undone: bool


class ChangeRoutes:
    """The routes of file changes."""

    def __init__(self, changes: ChangeOperations, undo: Undo) -> None:
        self._changes = changes
        self._undo = undo

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/api/changes", self.turns),
            Endpoint("GET", f"{SESSION}/changes", self.changes),
            Endpoint("POST", f"{SESSION}/undo", self.undo),
            Endpoint("GET", "/api/file-operations", self.operations),
        ]

    async def turns(
        self,
        caller: Calling,
        user_id: Annotated[str | None, Query(max_length=64)] = None,
        session_id: Annotated[str | None, Query(max_length=256)] = None,
        project: Annotated[str | None, Query(max_length=64)] = None,
        undone: bool | None = None,
        before: Annotated[int | None, Query(ge=0, le=MAX_ROW_ID)] = None,
        limit: Annotated[Limit, Query()] = 50,
    ) -> ListedTurns:
        """Return turns that have changed files, newest first: those of sessions whose messages the caller may read."""
        found = await self._changes.list(
            caller,
            user_id=user_id,
            session_id=session_id,
            project=project,
            undone=undone,
            before=before,
            limit=limit + 1,
        )
        return ListedTurns(
            turns=[self._turn(turn) for turn in found[:limit]],
            next_before=found[limit - 1].turn_id if len(found) > limit else None,
        )

    async def changes(self, caller: Calling, session_id: Id, message_id: MessageQuery = None) -> Changes:
        """Return the diff of a turn: that of `message_id`, or the last turn that changed files."""
        found = await self._undo.difference(await self._changes.find(caller, session_id, message_id))
        return Changes(
            session_id=session_id,
            message_id=found.turn.message_id,
            user_id=found.turn.user_id,
            project=found.turn.project,
            message=found.turn.text[:SHOWN],
            timestamp=rfc3339(found.turn.before_ms),
            files=[_operation(operation) for operation in found.operations],
            diff=found.diff,
            undone=found.turn.undone,
            why=found.why,
        )

    async def undo(self, caller: Calling, session_id: Id, body: UndoBody, key: GivenKey) -> Undone:
        """Revert the file changes of a turn; if they are reverted already, restore them."""
        turn = await self._changes.find(caller, session_id, body.message_id)
        done = await self._undo.take_back(
            turn, caller.name, user_id=caller.user_id, dry_run=body.dry_run, direction=body.direction
        )
        return Undone(
            session_id=session_id,
            message_id=turn.message_id,
            paths=[path.encode(errors="replace").decode() for path in done.paths],
            dry_run=done.dry_run,
            undone=(done.direction is UndoDirection.BACK) is not done.dry_run,
        )

    async def operations(
        self,
        caller: Calling,
        session_id: Annotated[str | None, Query(max_length=256)] = None,
        message_id: MessageQuery = None,
        user_id: Annotated[str | None, Query(max_length=64)] = None,
        path: Annotated[str | None, Query(max_length=4096)] = None,
        before: Annotated[int | None, Query(ge=0, le=MAX_ROW_ID)] = None,
        limit: Annotated[Limit, Query()] = 100,
    ) -> FileOperations:
        """Return which turn, tool and user changed which files."""
        found = await self._changes.operations(
            caller,
            user_id=user_id,
            session_id=session_id,
            message_id=message_id,
            path=path,
            before=before,
            limit=limit,
        )
        bodies = [_operation(operation) for operation in found]
        operations = page(bodies, map(asdict, bodies))
        return FileOperations(operations=operations, truncated=len(operations) < len(bodies))

    def _turn(self, turn: ChangedTurn) -> ListedTurn:
        return ListedTurn(
            session_id=turn.session_id,
            message_id=turn.message_id,
            user_id=turn.user_id,
            project=turn.project,
            message=turn.text[:SHOWN],
            files=turn.files or None,
            undone=turn.undone,
            why=self._changes.why_kept(turn),
            timestamp=rfc3339(turn.before_ms),
        )


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
        type=TYPES.get(operation.status, "modify"),
        filepath=os.path.join(operation.project_path, operation.path),
        rolled_back=operation.undone,
    )
