"""The `ChangeStore` port: checkpoints of a project's folder around turns, file operations, and undo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.values.record import record
from supervisor.store.records.changes import FileOperation


@record
class ChangedTurn:
    """A turn that was going to change files.

    Attributes:
        project_path: the folder that was recorded.
        text: its prompt.
        before_commit, after_commit: checkpoints; empty = the folder could not be recorded, and `why` explains it.
        files: how many paths differ between the folder before and after the turn.
        after_ms: None = it has not ended.
        undone: its changes were undone; `undo_before` and `undo_after` are the checkpoints around that.
    """

    turn_id: int
    message_id: MessageId
    session_id: SessionId
    user_id: UserId
    project: ProjectName
    project_path: str
    text: str
    before_commit: str
    after_commit: str
    why: str
    files: int
    before_ms: int
    after_ms: int | None
    undone: bool
    undo_before: str
    undo_after: str


@record
class StoredOperation(FileOperation):
    """A file operation with its turn and time; ids grow.

    Attributes:
        project_path: the folder that the path is relative to.
        undone: its turn was undone.
    """

    id: int
    message_id: MessageId
    session_id: SessionId
    user_id: UserId
    at_ms: int
    project_path: str
    undone: bool


class ChangeStore(Protocol):
    """Changes that turns made in the folders of projects."""

    async def began(self, turn_id: int, project_path: str, before_commit: str, why: str, *, now_ms: int) -> bool:
        """Record the folder's state before a running turn changes something; False = not running under this epoch."""

    async def lose(self, project_path: str, why: str) -> None:
        """Note that the checkpoints of a folder are lost: the turns that they belong to cannot be undone, and why."""

    async def of_turn(self, turn_id: int) -> ChangedTurn | None:
        """Return the record of a turn; None = it was not going to change files."""

    async def of_message(self, message_id: MessageId) -> ChangedTurn | None:
        """Return the record of the turn of a prompt; None = it was not going to change files."""

    async def last_of_session(self, session_id: SessionId, *, since_ms: int = 0) -> ChangedTurn | None:
        """Return the newest turn of a session that changed files, and began to after a time; None = there is none."""

    async def last_of_user(self, user_id: UserId, *, since_ms: int = 0) -> ChangedTurn | None:
        """Return the newest turn of a user that changed files after a time and was not undone; None = there is none.

        A turn of the conversation that the user used last comes before all others.
        """

    async def overlapped(self, turn: ChangedTurn) -> bool:
        """Return whether another turn was going to change files while this one ran, in its folder or a related one.

        Folders are related if one contains the other.
        """

    async def busy(self, project_path: str, *, exclusive: bool = False) -> bool:
        """Return whether a turn is running, or part of a running one, in a folder or a related one.

        Args:
            exclusive: count only turns that exclude others of their project.
        """

    async def undone(self, turn_id: int, by: UserId | str, before: str, after: str, *, now_ms: int) -> None:
        """Record that the changes of a turn were undone, between two checkpoints."""

    async def redone(self, turn_id: int, by: UserId | str, *, now_ms: int) -> None:
        """Record that an undo was undone."""

    async def turns(
        self,
        *,
        user_id: UserId | None = None,
        shared: Sequence[ProjectName] = (),
        writer: UserId | None = None,
        session_id: SessionId | None = None,
        project: ProjectName | None = None,
        undone: bool | None = None,
        before: int | None = None,
        limit: int,
    ) -> list[ChangedTurn]:
        """Return turns that have changed files, or may have, and have ended, newest first.

        Args:
            user_id: only turns in sessions of this user, and in shared ones of the projects `shared`; None = in all.
            writer, session_id, project: only turns of these; None = of all.
            undone: only those that are undone, or are not; None = both.
            before: only those with a smaller `turn_id`; None = from the newest.
        """

    async def operations(
        self,
        *,
        user_id: UserId | None = None,
        session_id: SessionId | None = None,
        message_id: MessageId | None = None,
        path: str | None = None,
        before: int | None = None,
        net: bool = False,
        limit: int,
    ) -> list[StoredOperation]:
        """Return file operations, newest first: each tool call, and the differences that no call explains.

        Args:
            user_id, session_id, message_id, path: None = of all.
            before: only those with a smaller id; None = from the newest.
            net: all differences between the folder before and after turns, and no calls.
        """

    async def of_agents(self, conversation: int, *, limit: int) -> list[StoredOperation]:
        """Return the file operations of the turns that a conversation of agents tells of, newest first.

        Args:
            conversation: its number.
        """

    async def count(self, *, user_id: UserId | None) -> int:
        """Return how many operations `operations` finds in all; None = of all users."""

    async def kept(self, *, since_ms: int) -> dict[str, set[str]]:
        """Return, by folder, the checkpoints of turns that began after a time; all others may be deleted."""
