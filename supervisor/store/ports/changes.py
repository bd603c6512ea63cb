"""The `ChangeStore` port: a project's folder around each turn that changed files, and what was taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.store.records.changes import FileOperation


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedTurn:
    """A turn that was about to change files.

    Attributes:
        project_path: of the folder that was recorded.
        before_commit, after_commit: checkpoints; empty where it could not be recorded, which `why` explains.
        files: how many paths it left other than it found them.
        undone: its changes were taken back; `undo_before` and `undo_after` are the checkpoints around that.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOperation(FileOperation):
    """A file operation with where it belongs; ids grow."""

    id: int
    message_id: MessageId
    session_id: SessionId
    user_id: UserId
    at_ms: int


class ChangeStore(Protocol):
    """What turns changed."""

    async def began(self, turn_id: int, project_path: str, before_commit: str, why: str, *, now_ms: int) -> bool:
        """Record the folder's state before a running turn changes something; False = not running under this epoch."""

    async def of_turn(self, turn_id: int) -> ChangedTurn | None:
        """Return what is recorded of a turn."""

    async def of_message(self, message_id: MessageId) -> ChangedTurn | None:
        """Return what is recorded of the turn of a prompt."""

    async def last_of_session(self, session_id: SessionId, *, since_ms: int = 0) -> ChangedTurn | None:
        """Return the newest turn of a session that changed files and began to after a time."""

    async def last_of_user(self, user_id: UserId, *, since_ms: int = 0) -> ChangedTurn | None:
        """Return the newest turn that a user asked for which changed files after a time and was not taken back.

        One of the conversation that they used last comes before all others.
        """

    async def overlapped(self, turn: ChangedTurn) -> bool:
        """Return whether another turn was about to change files while this one ran, in its folder or a related one.

        Folders are related where one lies in the other.
        """

    async def busy(self, project_path: str, *, exclusive: bool = False) -> bool:
        """Return whether a turn runs, or waits in the middle, in a folder or a related one.

        Args:
            exclusive: only one that is the only one of its project to run at a time.
        """

    async def undone(self, turn_id: int, by: UserId | str, before: str, after: str, *, now_ms: int) -> None:
        """Record that a turn's changes were taken back, between two checkpoints."""

    async def redone(self, turn_id: int, by: UserId | str, *, now_ms: int) -> None:
        """Record that an undo was taken back."""

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
        """Return file operations, newest first: each call, and what else was found to be changed.

        Args:
            before: only those with a smaller id.
            net: no calls, but all paths that turns left other than they found them.
        """

    async def kept(self, *, since_ms: int) -> dict[str, set[str]]:
        """Return, by folder, the checkpoints of turns that began after a time: all others may be forgotten."""
