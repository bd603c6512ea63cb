"""Changes that turns made in the folders of projects: checkpoints and file operations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.store.engine import Database, Reader
from supervisor.store.ports.changes import ChangedTurn, StoredOperation
from supervisor.store.records.changes import Recorded
from supervisor.store.transaction import Transaction

_BEGIN = """
    INSERT INTO checkpoints (turn_id, project_path, before_commit, why, before_ms, epoch)
    SELECT id, ?, ?, ?, ?, epoch FROM turns WHERE id = ? AND state = 'running' AND epoch = ?
    ON CONFLICT (turn_id) DO NOTHING
"""
_END = """
    UPDATE checkpoints SET after_commit = ?, why = CASE WHEN ? = '' THEN why ELSE ? END, after_ms = ? WHERE turn_id = ?
"""
_LOSE = "UPDATE checkpoints SET why = ? WHERE project_path = ? AND before_commit <> '' AND why = ''"
_ADD_OPERATION = """
    INSERT INTO file_operations (turn_id, path, tool, status, before_hash, after_hash, tool_use_id, at_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_TURNS = """
    SELECT c.turn_id, i.message_id, s.id, t.user_id, t.project, c.project_path, m.message, c.before_commit,
           c.after_commit, c.why, coalesce(t.files_changed, 0), c.before_ms, c.after_ms, c.undone_ms,
           coalesce(c.undo_before, ''), coalesce(c.undo_after, '')
    FROM checkpoints AS c
    JOIN turns AS t ON t.id = c.turn_id
    JOIN inbox AS i ON i.id = (SELECT min(id) FROM inbox WHERE turn_id = c.turn_id)
    JOIN claude_code_sessions AS s ON s.number = t.session
    LEFT JOIN claude_code_messages AS m ON m.seq = 2 * t.id
"""
_OF_TURN = f"{_TURNS} WHERE c.turn_id = ?"
_OF_MESSAGE = f"{_TURNS} WHERE c.turn_id = (SELECT turn_id FROM inbox WHERE message_id = ?)"
_LAST_OF_SESSION = f"""
    {_TURNS} WHERE s.id = ? AND c.before_ms >= ? AND (t.files_changed > 0 OR c.why <> '')
    ORDER BY c.turn_id DESC LIMIT 1
"""
_LAST_OF_USER = f"""
    {_TURNS} WHERE t.user_id = ?1 AND c.before_ms >= ?2 AND (t.files_changed > 0 OR c.why <> '') AND c.undone_ms IS NULL
    ORDER BY CASE WHEN t.session = (
        SELECT session FROM turns WHERE user_id = ?1 AND session IS NOT NULL ORDER BY id DESC LIMIT 1
    ) THEN 0 ELSE 1 END, c.turn_id DESC LIMIT 1
"""
# The same folder, or one contains the other: with a slash at both ends, one path is a prefix of the other. Not LIKE
# or GLOB, because a folder's name may contain their wildcards.
_RELATED = """(
    substr(rtrim({0}.project_path, '/') || '/', 1, length(rtrim(:folder, '/')) + 1)
    = substr(rtrim(:folder, '/') || '/', 1, length(rtrim({0}.project_path, '/')) + 1)
)"""
_OVERLAPPED = f"""
    SELECT EXISTS (
        SELECT 1 FROM checkpoints AS c JOIN turns AS t ON t.id = c.turn_id
        WHERE c.turn_id <> :turn_id AND c.before_ms < :until_ms
          AND coalesce(c.after_ms, t.ended_ms, :since_ms + 1) > :since_ms AND {_RELATED.format("c")}
    )
"""
_BUSY = f"""
    SELECT EXISTS (
        SELECT 1 FROM turns AS t JOIN claude_code_sessions AS s ON s.number = t.session
        WHERE (t.state = 'running' OR t.state = 'waiting') AND t.exclusive >= :exclusive AND {_RELATED.format("s")}
    )
"""
_UNDO = "UPDATE checkpoints SET undone_ms = ?, undone_by = ?, undo_before = ?, undo_after = ? WHERE turn_id = ?"
_REDO = (
    "UPDATE checkpoints SET undone_ms = NULL, undone_by = ?, undo_before = NULL, undo_after = NULL WHERE turn_id = ?"
)
# Where no user is named, all turns; else those of the user's own sessions and of sessions that are shared with them.
_LIST = f"""
    {_TURNS}
    WHERE (t.files_changed > 0 OR c.why <> '') AND c.after_ms IS NOT NULL
      AND (CAST(:user_id AS TEXT) IS NULL OR s.user_id = :user_id
           OR s.shared = 1 AND s.project IN (SELECT value FROM json_each(:shared)))
      AND (CAST(:writer AS TEXT) IS NULL OR t.user_id = :writer)
      AND (CAST(:session_id AS TEXT) IS NULL OR s.id = :session_id)
      AND (CAST(:project AS TEXT) IS NULL OR t.project = :project)
      AND (CAST(:undone AS BIGINT) IS NULL OR CASE WHEN c.undone_ms IS NULL THEN 0 ELSE 1 END = :undone)
      AND (CAST(:before AS BIGINT) IS NULL OR c.turn_id < :before)
    ORDER BY c.turn_id DESC LIMIT :limit
"""
_COLUMNS = """
    o.path, o.tool, o.status, o.before_hash, o.after_hash, i.message_id, s.id, t.user_id, o.at_ms, o.id, o.tool_use_id,
    s.project_path, c.undone_ms IS NOT NULL
"""
# A tool call, or a difference that no call explains.
_EXPLAINED = """
    (o.tool_use_id <> '' OR NOT EXISTS (
        SELECT 1 FROM file_operations AS call
        WHERE call.turn_id = o.turn_id AND call.path = o.path AND call.tool = o.tool AND call.tool_use_id <> ''))
"""
_OPERATIONS = f"""
    SELECT {_COLUMNS}
    FROM file_operations AS o
    JOIN turns AS t ON t.id = o.turn_id
    LEFT JOIN checkpoints AS c ON c.turn_id = o.turn_id
    JOIN inbox AS i ON i.id = (SELECT min(id) FROM inbox WHERE turn_id = o.turn_id)
    JOIN claude_code_sessions AS s ON s.number = t.session
    WHERE (CAST(:user_id AS TEXT) IS NULL OR t.user_id = :user_id)
      AND (CAST(:session_id AS TEXT) IS NULL OR s.id = :session_id)
      AND (CAST(:message_id AS TEXT) IS NULL OR i.message_id = :message_id)
      AND (CAST(:path AS TEXT) IS NULL OR o.path = :path)
      AND (CAST(:before AS BIGINT) IS NULL OR o.id < :before)
      AND CASE WHEN :net = 1 THEN o.tool_use_id = '' ELSE {_EXPLAINED} END
    ORDER BY o.id DESC LIMIT :limit
"""
_OF_AGENTS = f"""
    SELECT {_COLUMNS}
    FROM (SELECT DISTINCT message_id FROM agent_messages WHERE conversation = ?) AS told
    JOIN inbox AS i ON i.message_id = told.message_id
    JOIN file_operations AS o ON o.turn_id = i.turn_id
    JOIN turns AS t ON t.id = o.turn_id
    LEFT JOIN checkpoints AS c ON c.turn_id = o.turn_id
    JOIN claude_code_sessions AS s ON s.number = t.session
    WHERE {_EXPLAINED}
    ORDER BY o.id DESC LIMIT ?
"""
_COUNT = f"""
    SELECT count(*) FROM file_operations AS o JOIN turns AS t ON t.id = o.turn_id
    WHERE (CAST(:user_id AS TEXT) IS NULL OR t.user_id = :user_id) AND {_EXPLAINED}
"""
_KEPT = """
    SELECT project_path, before_commit, after_commit, coalesce(undo_before, ''), coalesce(undo_after, '')
    FROM checkpoints WHERE before_ms >= ? OR after_ms IS NULL
"""


def end_recording(tx: Transaction, turn_id: int, recorded: Recorded, now_ms: int) -> None:
    """Write how a turn left the folder, with its file operations; part of T3."""
    after_ms = max(now_ms, recorded.seen_ms)
    tx.execute(_END, (recorded.after_commit, recorded.why, recorded.why, after_ms, turn_id))
    for done in recorded.operations:
        values = (done.path, done.tool, done.status, done.before_hash, done.after_hash, done.tool_use_id, now_ms)
        tx.execute(_ADD_OPERATION, (turn_id, *values))


class SqlChanges:
    """`ChangeStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def began(self, turn_id: int, project_path: str, before_commit: str, why: str, *, now_ms: int) -> bool:
        """Record the folder's state before a running turn changes something."""

        def work(tx: Transaction) -> bool:
            return tx.changed(_BEGIN, (project_path, before_commit, why, now_ms, turn_id, tx.epoch))

        return await self._database.write(work)

    async def lose(self, project_path: str, why: str) -> None:
        """Note that the checkpoints of a folder are lost: the turns that they belong to cannot be undone."""
        await self._database.write(lambda tx: tx.execute(_LOSE, (why, project_path)))

    async def of_turn(self, turn_id: int) -> ChangedTurn | None:
        """Return the record of a turn; None = it was not going to change files."""
        return await self._one(_OF_TURN, turn_id)

    async def of_message(self, message_id: MessageId) -> ChangedTurn | None:
        """Return the record of the turn of a prompt; None = it was not going to change files."""
        return await self._one(_OF_MESSAGE, message_id)

    async def last_of_session(self, session_id: SessionId, *, since_ms: int = 0) -> ChangedTurn | None:
        """Return the newest turn of a session that changed files, and began to after a time."""
        return await self._one(_LAST_OF_SESSION, session_id, since_ms)

    async def last_of_user(self, user_id: UserId, *, since_ms: int = 0) -> ChangedTurn | None:
        """Return the newest turn of a user that changed files after a time and was not undone."""
        return await self._one(_LAST_OF_USER, user_id, since_ms)

    async def busy(self, project_path: str, *, exclusive: bool = False) -> bool:
        """Return whether a turn is running, or part of a running one, in a folder or a related one."""
        values = {"folder": project_path, "exclusive": exclusive}
        return await self._database.read(lambda connection: bool(connection.execute(_BUSY, values).fetchone()[0]))

    async def overlapped(self, turn: ChangedTurn) -> bool:
        """Return whether another turn was going to change the folder, or a related one, while this one ran."""
        until = turn.after_ms if turn.after_ms is not None else turn.before_ms
        values = {
            "folder": turn.project_path,
            "turn_id": turn.turn_id,
            "since_ms": turn.before_ms,
            "until_ms": until,
        }
        return await self._database.read(lambda connection: bool(connection.execute(_OVERLAPPED, values).fetchone()[0]))

    async def undone(self, turn_id: int, by: UserId | str, before: str, after: str, *, now_ms: int) -> None:
        """Record that the changes of a turn were undone."""

        def work(tx: Transaction) -> None:
            tx.execute(_UNDO, (now_ms, by, before, after, turn_id))
            tx.record(by, "turn.undone", {"turn": turn_id, "before": before, "after": after}, now_ms)

        await self._database.write(work)

    async def redone(self, turn_id: int, by: UserId | str, *, now_ms: int) -> None:
        """Record that an undo was undone."""

        def work(tx: Transaction) -> None:
            tx.execute(_REDO, (by, turn_id))
            tx.record(by, "turn.redone", {"turn": turn_id}, now_ms)

        await self._database.write(work)

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
        """Return turns that changed files and have ended, newest first."""
        values = {
            "user_id": user_id,
            "shared": json.dumps(shared),
            "writer": writer,
            "session_id": session_id,
            "project": project,
            "undone": undone,
            "before": before,
            "limit": limit,
        }
        return await self._database.read(
            lambda connection: [_changed_turn(row) for row in connection.execute(_LIST, values)]
        )

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
        """Return file operations, newest first."""
        values = {
            "user_id": user_id,
            "session_id": session_id,
            "message_id": message_id,
            "path": path,
            "before": before,
            "net": net,
            "limit": limit,
        }
        return await self._database.read(
            lambda connection: [_operation(row) for row in connection.execute(_OPERATIONS, values)]
        )

    async def of_agents(self, conversation: int, *, limit: int) -> list[StoredOperation]:
        """Return the file operations of the turns that a conversation of agents tells of, newest first."""
        return await self._database.read(
            lambda connection: [_operation(row) for row in connection.execute(_OF_AGENTS, (conversation, limit))]
        )

    async def count(self, *, user_id: UserId | None) -> int:
        """Return how many operations `operations` finds in all."""
        return await self._database.read(
            lambda connection: int(connection.execute(_COUNT, {"user_id": user_id}).fetchone()[0])
        )

    async def kept(self, *, since_ms: int) -> dict[str, set[str]]:
        """Return, by folder, the checkpoints of turns that began after a time or have not ended."""

        def work(connection: Reader) -> dict[str, set[str]]:
            found: dict[str, set[str]] = {}
            for folder, *commits in connection.execute(_KEPT, (since_ms,)):
                found.setdefault(folder, set()).update(filter(None, commits))
            return found

        return await self._database.read(work)

    async def _one(self, sql: str, *keys: Any) -> ChangedTurn | None:
        def work(connection: Reader) -> ChangedTurn | None:
            row = connection.execute(sql, keys).fetchone()
            return _changed_turn(row) if row is not None else None

        return await self._database.read(work)


def _changed_turn(row: tuple[Any, ...]) -> ChangedTurn:
    return ChangedTurn(
        turn_id=row[0],
        message_id=MessageId(row[1]),
        session_id=SessionId(row[2]),
        user_id=UserId(row[3]),
        project=ProjectName(row[4]),
        project_path=row[5],
        text=row[6] or "",
        before_commit=row[7],
        after_commit=row[8],
        why=row[9],
        files=row[10],
        before_ms=row[11],
        after_ms=row[12],
        undone=row[13] is not None,
        undo_before=row[14],
        undo_after=row[15],
    )


def _operation(row: tuple[Any, ...]) -> StoredOperation:
    return StoredOperation(
        path=row[0],
        tool=row[1],
        status=row[2],
        before_hash=row[3],
        after_hash=row[4],
        message_id=MessageId(row[5]),
        session_id=SessionId(row[6]),
        user_id=UserId(row[7]),
        at_ms=row[8],
        id=row[9],
        tool_use_id=row[10],
        project_path=row[11],
        undone=bool(row[12]),
    )
