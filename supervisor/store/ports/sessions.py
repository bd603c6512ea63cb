"""Ports: sessions, what was said in chats, the search in conversations, folders of projects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.status import EndReason, SessionKind, SessionStatus
from supervisor.store.records.chat import ChatEntry, Found
from supervisor.store.records.session import NewSession, Session
from supervisor.store.records.turn import Turn


class SessionStore(Protocol):
    """Sessions of Claude Code, and the records of chats. What is said in a chat is in `ChatStore`."""

    async def create(self, session: NewSession, *, status: SessionStatus, now_ms: int) -> Session | None:
        """Create a session's record; return it, or the existing one that has its id; None = that one was deleted."""

    async def get(self, session_id: SessionId) -> Session | None:
        """Return one session; None = there is none, or it was deleted."""

    async def find(self, user_id: UserId, project: ProjectName, thread: str) -> Session | None:
        """Return the newest session of a user, project and thread that was not ended on purpose."""

    async def find_shared(self, project: ProjectName, thread: str) -> Session | None:
        """Return the newest shared session of a project and thread that was not ended on purpose."""

    async def find_in_thread(self, user_id: UserId, thread: str) -> Session | None:
        """Return the newest session of a user in a mail thread that was not ended on purpose."""

    async def list(
        self,
        *,
        user_id: UserId | None = None,
        shared: Sequence[ProjectName] = (),
        active_only: bool = True,
        limit: int = 500,
        before: tuple[int, SessionId] | None = None,
        status: SessionStatus | None = None,
        kind: SessionKind | None = None,
        recent_ms: int = 0,
    ) -> list[Session]:
        """Return sessions, newest activity first; a chat in which nothing was asked is left out.

        Args:
            user_id: only those of this user; None = of all users.
            shared: also the sessions that other users share in these projects.
            active_only: leave out those that are disconnected or in error, and chats without activity since `recent_ms`
                (milliseconds UTC).
            kind: only sessions of this kind; None = of both.
            before: the (activity_ms, id) of the last session of the page before; None = the first page.
            status: only those with this status; None = with any.
        """

    async def live_count(self, user_id: UserId | None = None) -> int:
        """Return how many sessions of Claude Code are neither disconnected nor in error."""

    async def set_status(
        self,
        session_id: SessionId,
        status: SessionStatus,
        *,
        reason: EndReason | str = "",
        started: bool | None = None,
        conversation_id: str | None = None,
        now_ms: int,
    ) -> None:
        """Write a session's status; does nothing where there is no such session.

        Args:
            reason: why it ended; empty = keep the reason. A live session has none.
            started, conversation_id: None = unchanged.
        """

    async def set_status_many(
        self, session_ids: Sequence[SessionId], status: SessionStatus, *, reason: EndReason | str = "", now_ms: int
    ) -> None:
        """Write the same status to many sessions, in one transaction."""

    async def end_dead(self, reason: EndReason, *, now_ms: int) -> int:
        """Mark the live sessions of dead epochs disconnected, because no process of them is left; return how many.

        A chat has no process, and stays.
        """


class ChatStore(Protocol):
    """What was said in chats, whoever answered. Messages that an edited one replaced are in no result."""

    async def history(self, session_id: SessionId, *, limit: int, before: MessageId | None) -> list[ChatEntry]:
        """Return the newest messages of a chat, each with its answer, oldest first; artifacts up to 4 Mi characters.

        Args:
            limit: at most so many messages, their answers not counted.
            before: the id of a message, or of an answer: only messages before it; None = the newest of all.
        """

    async def count(self, session_id: SessionId) -> int:
        """Return how many messages a chat has, answers included."""

    async def unfinished(self, session_id: SessionId) -> list[Turn]:
        """Return the turns of a chat that have not ended, oldest first."""

    async def ended(self, session_id: SessionId, *, before_ms: int, since_ms: int) -> list[Turn]:
        """Return the turns of a chat that were accepted before a time and have ended since another, oldest first."""

    async def elsewhere(self, session_ids: Sequence[SessionId]) -> Mapping[SessionId, tuple[int, int]]:
        """Return what chats gave Claude Code: how many messages, and their cost with that of tasks, in nanodollars.

        The records of the chats do not count it: it is in those of the sessions that worked on it.
        """

    async def find(self, session_id: SessionId, message_id: MessageId) -> Turn | None:
        """Return the turn of a message in a chat's history; None = the history does not have it."""

    async def rename(self, session_id: SessionId, title: str, *, now_ms: int) -> Session | None:
        """Give a chat a title; return its new record; None = there is no such chat."""

    async def delete(self, session_id: SessionId, *, by: UserId, now_ms: int) -> bool:
        """Take a chat out of every list and erase its texts; turns and costs stay. False = there is no such chat."""


class SearchStore(Protocol):
    """The words of what people wrote and were answered."""

    async def find(self, user_id: UserId, words: str, *, shared: Sequence[ProjectName] = (), limit: int) -> list[Found]:
        """Return the newest exchanges that have ended and hold all words, or words that begin with them.

        They are those of the user's own conversations, texts and mails, and of sessions that are shared with them.

        Args:
            words: as a person types them; without a letter or a digit nothing is found.
            shared: the projects whose shared sessions the user may read.
        """

    async def titles(self, user_id: UserId, words: str, *, limit: int) -> list[Session]:
        """Return the chats of a user whose titles have all words, newest activity first."""


class FolderStore(Protocol):
    """The folders of projects, and what is stored under their paths."""

    async def known(self) -> dict[ProjectName, str]:
        """Return the folder of each project at the last start."""

    async def recorded(self, project: ProjectName) -> list[str]:
        """Return the folders in which turns of a project were recorded for undo."""

    async def move(self, project: ProjectName, folder: str, *, before: str | None, now_ms: int) -> int:
        """Let the sessions and checkpoints of a project follow it to another folder; return the number of sessions.

        A session in a folder below the project's keeps its place below it. A session in no known folder gets that of
        the project.

        Args:
            folder: absolute, symbolic links resolved.
            before: the folder at the last start; None = it is not known.
        """
