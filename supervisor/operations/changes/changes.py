"""Operations on what turns changed in files: which turns there are, and what they did to which file."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.operations.queries import Queries
from supervisor.people.identity import Caller
from supervisor.protocol.messages import MessageId, ProjectName, SessionId
from supervisor.store.ports.changes import ChangedTurn, ChangeStore, StoredOperation
from supervisor.undo.undo import Undo


class ChangeOperations:
    """Reads what turns changed; a caller reads the turns of their own sessions, and of those shared with them."""

    def __init__(self, store: ChangeStore, queries: Queries, undo: Undo) -> None:
        self._store = store
        self._queries = queries
        self._undo = undo

    async def list(
        self,
        caller: Caller,
        *,
        user_id: str | None = None,
        session_id: str | None = None,
        project: str | None = None,
        undone: bool | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[ChangedTurn]:
        """Return turns that have changed files, newest first.

        Args:
            user_id, session_id, project: only those of this writer, session, project; None = of all.
            undone: only those that are undone, or are not; None = both.
            before: only those with a smaller `turn_id`.

        Raises:
            UserNotFound, SessionNotFound: there is none that the caller may see.
        """
        if session_id is not None:
            await self._queries.session(caller, SessionId(session_id))
        return await self._store.turns(
            user_id=caller.user_id,
            shared=self._queries.shared_with(caller),
            writer=self._queries.user(caller, user_id).id if user_id is not None else None,
            session_id=SessionId(session_id) if session_id is not None else None,
            project=ProjectName(project) if project is not None else None,
            undone=undone,
            before=before,
            limit=limit,
        )

    async def find(self, caller: Caller, session_id: str, message_id: str | None) -> ChangedTurn:
        """Return the turn of a message, or without a message the last turn of a session that changed files.

        Raises:
            SessionNotFound: there is none that the caller may see.
            NothingToUndo: the turn changed no file, or belongs to another session.
        """
        session = await self._queries.session(caller, SessionId(session_id))
        return await self._undo.find(session.id, message_id)

    async def operations(
        self,
        caller: Caller,
        *,
        user_id: str | None,
        session_id: str | None,
        message_id: str | None,
        path: str | None,
        before: int | None,
        limit: int,
    ) -> Sequence[StoredOperation]:
        """Return what turns did to files, newest first.

        Args:
            user_id, session_id, message_id, path: only those of this user, session, message, path; None = of all.
            before: only those with a smaller id.

        Raises:
            UserNotFound, SessionNotFound: there is none that the caller may see.
        """
        if session_id is not None:
            await self._queries.session(caller, SessionId(session_id))
        return await self._store.operations(
            user_id=self._queries.user(caller, user_id).id if user_id is not None else caller.user_id,
            session_id=SessionId(session_id) if session_id is not None else None,
            message_id=MessageId(message_id) if message_id is not None else None,
            path=path,
            before=before,
            limit=limit,
        )

    def why_kept(self, turn: ChangedTurn) -> str:
        """Return why a turn cannot be undone; empty where nothing of that is known."""
        return self._undo.why_kept(turn)
