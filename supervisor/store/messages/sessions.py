"""Sessions of Claude Code, and the records of chats."""

from __future__ import annotations

import builtins
import json
from collections.abc import Sequence

from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.protocol.status import EndReason, SessionKind, SessionStatus
from supervisor.store.cluster.nodes import is_dead
from supervisor.store.engine import Database, Reader
from supervisor.store.records.session import NewSession, Session
from supervisor.store.rows import SESSIONS, to_session
from supervisor.store.transaction import Transaction

_GET = f"{SESSIONS} WHERE id = ? AND deleted_ms IS NULL"
_ON_PURPOSE = tuple(reason for reason in EndReason if reason.on_purpose)
_RESUMES = f"""
    NOT (status = 'error' OR status = 'disconnected' AND end_reason IN ({", ".join("?" for _ in _ON_PURPOSE)}))
    ORDER BY number DESC LIMIT 1
"""
FIND = f"{SESSIONS} WHERE user_id = ? AND thread = ? AND project = ? AND {_RESUMES}"
FIND_IN_THREAD = f"{SESSIONS} WHERE user_id = ? AND thread = ? AND {_RESUMES}"
FIND_SHARED = f"{SESSIONS} WHERE shared = 1 AND project = ? AND thread = ? AND {_RESUMES}"
BEGUN = f"SELECT project_path FROM claude_code_sessions WHERE user_id = ? AND thread = ? AND project = ? AND {_RESUMES}"
BEGUN_SHARED = (
    f"SELECT project_path FROM claude_code_sessions WHERE shared = 1 AND project = ? AND thread = ? AND {_RESUMES}"
)
_OF_USER = "(user_id = :user_id OR shared = 1 AND project IN (SELECT value FROM json_each(:shared)))"
_IS_LIVE = "status NOT IN ('disconnected', 'error')"
_BEFORE = """
    (activity_ms < :activity_ms
     OR activity_ms = :activity_ms AND number < (SELECT number FROM claude_code_sessions WHERE id = :id))
"""
_NEWEST_FIRST = "ORDER BY activity_ms DESC, number DESC LIMIT :limit"
_HAS_PROCESS = f"{_IS_LIVE} AND kind = 'claude_code'"
"""A live chat has no process: it counts for no limit, and outlives the daemon."""
_RECENT = f"{_IS_LIVE} AND (kind = 'claude_code' OR activity_ms > :recent_ms)"
_LIVE_COUNT = f"SELECT count(*) FROM claude_code_sessions WHERE {_HAS_PROCESS}"
_KEEP_OR_SET = """
    started = coalesce(CAST(:started AS BIGINT), started),
    conversation_id = coalesce(:conversation_id, conversation_id),
    status = :status, updated_ms = :now_ms, epoch = :epoch
"""
_COME_BACK = f"""
    UPDATE claude_code_sessions SET activity_ms = CASE WHEN activity_ms > :now_ms THEN activity_ms ELSE :now_ms END
    WHERE id = :id AND NOT ({_IS_LIVE})
"""
"""A statement of its own, because an UPDATE writes every index of the columns that it names."""
_LIVE = f"UPDATE claude_code_sessions SET {_KEEP_OR_SET}, ended_ms = NULL, end_reason = '' WHERE id = :id"
_ENDED = f"""
    UPDATE claude_code_sessions SET
        {_KEEP_OR_SET},
        ended_ms = CASE WHEN {_IS_LIVE} THEN :now_ms ELSE coalesce(ended_ms, :now_ms) END,
        end_reason = CASE WHEN :reason = '' THEN end_reason ELSE :reason END
    WHERE id = :id
"""
_LEFT_BEHIND = f"SELECT id FROM claude_code_sessions WHERE {_HAS_PROCESS} AND {is_dead()}"


class SqlSessions:
    """`SessionStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, session: NewSession, *, status: SessionStatus, now_ms: int) -> Session | None:
        """Create the record of a live session; return it, or the existing one of its id; None = that was deleted."""

        def work(tx: Transaction) -> Session | None:
            tx.point("session")
            create_session(tx, session, status, now_ms)
            row = tx.one(_GET, (session.id,))
            return None if row is None else to_session(row)

        return await self._database.write(work)

    async def get(self, session_id: SessionId) -> Session | None:
        """Return one session."""
        return await self._database.read(lambda connection: _one(connection, _GET, session_id))

    async def find(self, user_id: UserId, project: ProjectName, thread: str) -> Session | None:
        """Return the newest session of a user, project and thread that a message may resume by itself."""
        return await self._database.read(
            lambda connection: _one(connection, FIND, user_id, thread, project, *_ON_PURPOSE)
        )

    async def find_shared(self, project: ProjectName, thread: str) -> Session | None:
        """Return the newest session of a project and thread that its users share and a message may resume by itself."""
        return await self._database.read(
            lambda connection: _one(connection, FIND_SHARED, project, thread, *_ON_PURPOSE)
        )

    async def find_in_thread(self, user_id: UserId, thread: str) -> Session | None:
        """Return the newest session of a user in a mail thread that a message may resume by itself."""
        return await self._database.read(
            lambda connection: _one(connection, FIND_IN_THREAD, user_id, thread, *_ON_PURPOSE)
        )

    async def live_count(self, user_id: UserId | None = None) -> int:
        """Return how many sessions are neither disconnected nor in error."""
        query, values = (_LIVE_COUNT, ()) if user_id is None else (f"{_LIVE_COUNT} AND user_id = ?", (user_id,))
        return await self._database.read(lambda connection: int(connection.execute(query, values).fetchone()[0]))

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
        """Write a session's status; a live one has no reason and no end."""

        def work(tx: Transaction) -> None:
            write_status(tx, session_id, status, reason, now_ms, started=started, conversation_id=conversation_id)

        await self._database.write(work)

    async def set_status_many(
        self, session_ids: Sequence[SessionId], status: SessionStatus, *, reason: EndReason | str = "", now_ms: int
    ) -> None:
        """Write the same status to many sessions, in one transaction."""

        def work(tx: Transaction) -> None:
            for session_id in session_ids:
                write_status(tx, session_id, status, reason, now_ms)

        await self._database.write(work)

    async def end_dead(self, reason: EndReason, *, now_ms: int) -> int:
        """Mark the live sessions of dead epochs disconnected; return how many there were."""

        def work(tx: Transaction) -> int:
            left = tx.execute(_LEFT_BEHIND).fetchall()
            for (session_id,) in left:
                write_status(tx, session_id, SessionStatus.DISCONNECTED, reason, now_ms)
            return len(left)

        return await self._database.write(work)

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
    ) -> builtins.list[Session]:
        """Return sessions, newest activity first.

        Args:
            user_id: only those of this user; None = of all users.
            shared: also the sessions that other users share in these projects.
            before: the (activity_ms, id) of the last session of the page before; None = the first page.
            kind, recent_ms: as in the port.
        """
        query, values = list_query(user_id, active_only, limit, before, status, shared, kind=kind, recent_ms=recent_ms)
        return await self._database.read(
            lambda connection: [to_session(row) for row in connection.execute(query, values)]
        )


def list_query(
    user_id: str | None,
    active_only: bool,
    limit: int,
    before: tuple[int, str] | None,
    status: SessionStatus | None = None,
    shared: Sequence[ProjectName] = (),
    *,
    kind: SessionKind | None = None,
    recent_ms: int = 0,
) -> tuple[str, dict[str, object]]:
    """Return the SELECT of a page of sessions, and its parameters."""
    values: dict[str, object] = {"limit": limit}
    conditions = ["deleted_ms IS NULL", "(kind = 'claude_code' OR title <> '')"]
    if active_only:
        conditions.append(_RECENT)
        values["recent_ms"] = recent_ms
    if kind is not None:
        conditions.append("kind = :kind")
        values["kind"] = kind.value
    if user_id is not None:
        conditions.append(_OF_USER if shared else "user_id = :user_id")
        values["user_id"] = user_id
        if shared:
            values["shared"] = json.dumps(shared)
    if status is not None:
        conditions.append("status = :status")
        values["status"] = status
    if before is not None:
        conditions.append(_BEFORE)
        values["activity_ms"], values["id"] = before
    return f"{SESSIONS} WHERE {' AND '.join(conditions)} {_NEWEST_FIRST}", values


def begins_twice(tx: Transaction, new: NewSession) -> bool:
    """Return whether the conversation of a new session has one already, in the folder that its project has now."""
    if new.shared:
        row = tx.one(BEGUN_SHARED, (new.project, new.thread, *_ON_PURPOSE))
    else:
        row = tx.one(BEGUN, (new.user_id, new.thread, new.project, *_ON_PURPOSE))
    return row == (new.project_path,)


def create_session(tx: Transaction, new: NewSession, status: SessionStatus, now_ms: int) -> None:
    """Insert the record of a live session; an existing one of the same id stays as it is."""
    tx.insert(
        "claude_code_sessions",
        {
            "id": new.id,
            "user_id": new.user_id,
            "project": new.project,
            "project_path": new.project_path,
            "conversation_id": new.conversation_id,
            "thread": new.thread,
            "status": status.value,
            "started_ms": now_ms,
            "activity_ms": now_ms,
            "updated_ms": now_ms,
            "epoch": tx.epoch,
            "shared": int(new.shared),
            "kind": new.kind.value,
        },
        unless="id",
    )


def write_status(
    tx: Transaction,
    session_id: str,
    status: SessionStatus,
    reason: str,
    now_ms: int,
    *,
    started: bool | None = None,
    conversation_id: str | None = None,
) -> None:
    """Write a session's status within a transaction."""
    values = {
        "id": session_id,
        "status": status.value,
        "reason": str(reason),
        "started": started,
        "conversation_id": conversation_id,
        "now_ms": now_ms,
        "epoch": tx.epoch,
    }
    if status.live:
        tx.execute(_COME_BACK, values)
    tx.execute(_LIVE if status.live else _ENDED, values)


def _one(connection: Reader, query: str, *values: str) -> Session | None:
    row = connection.execute(query, values).fetchone()
    return None if row is None else to_session(row)
