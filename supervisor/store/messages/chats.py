"""Chats: what was said in one, whoever answered; their titles; how one is deleted and a message replaced."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from supervisor.protocol.messages import MessageId, SessionId, UserId
from supervisor.protocol.status import Target, TurnState
from supervisor.store.engine import Database, Reader
from supervisor.store.messages.history import result_of_turn
from supervisor.store.messages.tool_calls import calls_of_turns
from supervisor.store.records.chat import ChatEntry
from supervisor.store.records.result import StoredExchange
from supervisor.store.records.session import Session
from supervisor.store.records.tool_call import StoredCall
from supervisor.store.records.turn import Turn
from supervisor.store.rows import SESSIONS, TURNS, to_session, to_turn
from supervisor.store.transaction import Transaction

_IN_CHAT = """
    t.chat = (SELECT number FROM claude_code_sessions WHERE id = :id AND deleted_ms IS NULL) AND t.superseded_by IS NULL
"""
_PAGE = f"{TURNS} WHERE {_IN_CHAT} AND t.id < :before ORDER BY t.id DESC LIMIT :limit"
_BEFORE = f"""
    SELECT t.id FROM turns AS t WHERE {_IN_CHAT} AND t.id = coalesce(
        (SELECT turn_id FROM inbox WHERE message_id = :message_id),
        (SELECT seq / 2 FROM claude_code_messages WHERE id = :message_id)
    )
"""
_COUNT = f"""
    SELECT count(*), count(*) FILTER (WHERE t.state NOT IN ('pending', 'running', 'waiting'))
    FROM turns AS t WHERE {_IN_CHAT}
"""
_UNFINISHED = f"{TURNS} WHERE {_IN_CHAT} AND t.state IN ('pending', 'running', 'waiting') ORDER BY t.id"
_ENDED = f"""
    {TURNS} WHERE {_IN_CHAT} AND t.accepted_ms < :before_ms AND t.ended_ms >= :since_ms
      AND t.target IN ('{Target.ASSISTANT}', '{Target.CLAUDE_CODE}') ORDER BY t.id
"""
_ELSEWHERE = f"""
    WITH asked AS (SELECT id, number FROM claude_code_sessions WHERE id IN (SELECT value FROM json_each(?)))
    SELECT id, count(DISTINCT written), coalesce(sum(nanos), 0) FROM (
        SELECT a.id, t.id AS written, l.nanos FROM asked AS a JOIN turns AS t ON t.chat = a.number
        LEFT JOIN ledger AS l ON l.turn_id = t.id
        WHERE t.target = '{Target.CLAUDE_CODE}'
        UNION ALL
        SELECT a.id, NULL, l.nanos FROM asked AS a JOIN turns AS t ON t.chat = a.number
        JOIN delegations AS d ON d.given_by = t.id JOIN ledger AS l ON l.turn_id = d.turn_id
    ) AS given GROUP BY id
"""
_FIND = f"{TURNS} WHERE {_IN_CHAT} AND i.message_id = :message_id"
_EXCHANGES = f"""
    SELECT t.id, coalesce(i.body, p.message), coalesce(a.message, ''), t.state, t.why
    FROM turns AS t JOIN inbox AS i ON i.turn_id = t.id
    LEFT JOIN claude_code_messages AS p ON p.seq = 2 * t.id
    LEFT JOIN claude_code_messages AS a ON a.seq = 2 * t.id + 1
    WHERE {_IN_CHAT} AND t.target IN ('{Target.ASSISTANT}', '{Target.CLAUDE_CODE}')
      AND t.state IN ('{TurnState.COMPLETED}', '{TurnState.CANCELLED}', '{TurnState.INTERRUPTED}')
    ORDER BY t.id DESC LIMIT :limit
"""
_IS_CHAT = "SELECT EXISTS (SELECT 1 FROM claude_code_sessions WHERE id = ? AND kind = 'chat')"
_RENAME = """
    UPDATE claude_code_sessions SET title = ?, updated_ms = ?, epoch = ?
    WHERE id = ? AND kind = 'chat' AND deleted_ms IS NULL
"""
_GET = f"{SESSIONS} WHERE id = ?"
_DELETE = """
    UPDATE claude_code_sessions
    SET deleted_ms = :now_ms, title = '', metadata = '{}', updated_ms = :now_ms, epoch = :epoch
    WHERE id = :id AND kind = 'chat' AND deleted_ms IS NULL
"""
_OWN_TURNS = """
    SELECT t.id FROM turns AS t
    WHERE t.chat = (SELECT number FROM claude_code_sessions WHERE id = :id)
      AND (t.session IS NULL OR t.session = t.chat)
"""
_ERASE = (
    "UPDATE claude_code_messages SET message = '', context = NULL WHERE session_id = :id",
    f"""
        UPDATE inbox SET body = CASE WHEN body IS NULL THEN NULL ELSE '' END, note = '', context = NULL
        WHERE turn_id IN ({_OWN_TURNS})
    """,
    f"UPDATE turns SET answer = NULL, why = '', reason = '' WHERE id IN ({_OWN_TURNS})",
    "DELETE FROM tool_references WHERE scope = :id",
    f"DELETE FROM events WHERE turn_id IN ({_OWN_TURNS})",
    f"DELETE FROM search WHERE rowid IN ({_OWN_TURNS})",
    f"DELETE FROM tool_calls WHERE turn_id IN ({_OWN_TURNS})",
    f"UPDATE approvals SET summary = '', call = '', diff = '', input = '' WHERE turn_id IN ({_OWN_TURNS})",
)
"""What is said to Claude Code stays in the history of its session."""
_SUPERSEDE = """
    UPDATE turns SET superseded_by = :by
    WHERE chat = (SELECT chat FROM turns WHERE id = :by) AND id >= :first AND id < :by AND superseded_by IS NULL
"""
_FORGET_UNUSED = """
    DELETE FROM claude_code_sessions
    WHERE kind = 'chat' AND deleted_ms IS NULL AND title = '' AND activity_ms < ?
      AND NOT EXISTS (SELECT 1 FROM turns WHERE chat = number)
      AND NOT EXISTS (SELECT 1 FROM turns WHERE session = number)
"""
_NEWEST = 1 << 62

MOST_ARTIFACTS = 4 * 1024 * 1024
"""Characters of artifacts in one page of a history; older ones are left out. No client gets more than 1 MiB at once."""

UNUSED_MS = 7 * 86_400_000
"""How long a chat is kept in which nothing was written, in milliseconds."""

STOPPED = "(stopped by the user)"
"""What the model reads at the end of an answer that its user stopped."""


class SqlChats:
    """`ChatStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def history(self, session_id: SessionId, *, limit: int, before: MessageId | None) -> list[ChatEntry]:
        """Return the newest messages of a chat before another one, oldest first."""
        return await self._database.read(lambda connection: _history(connection, session_id, limit, before))

    async def count(self, session_id: SessionId) -> int:
        """Return how many messages a chat has, answers included."""

        def work(connection: Reader) -> int:
            written, answered = connection.execute(_COUNT, {"id": session_id}).fetchone()
            return int(written + answered)

        return await self._database.read(work)

    async def unfinished(self, session_id: SessionId) -> list[Turn]:
        """Return the turns of a chat that have not ended, oldest first."""
        return await self._database.read(
            lambda connection: [to_turn(row) for row in connection.execute(_UNFINISHED, {"id": session_id})]
        )

    async def ended(self, session_id: SessionId, *, before_ms: int, since_ms: int) -> list[Turn]:
        """Return the turns of a chat that were accepted before a time and have ended since another."""
        values = {"id": session_id, "before_ms": before_ms, "since_ms": since_ms}
        return await self._database.read(
            lambda connection: [to_turn(row) for row in connection.execute(_ENDED, values)]
        )

    async def elsewhere(self, session_ids: Sequence[SessionId]) -> Mapping[SessionId, tuple[int, int]]:
        """Return what chats gave Claude Code: how many messages, and their cost with that of tasks, in nanodollars."""
        ids = json.dumps(session_ids)
        return await self._database.read(
            lambda connection: {
                SessionId(row[0]): (row[1], row[2]) for row in connection.execute(_ELSEWHERE, (ids,)).fetchall()
            }
        )

    async def find(self, session_id: SessionId, message_id: MessageId) -> Turn | None:
        """Return the turn of a message in a chat's history; None = the history does not have it."""

        def work(connection: Reader) -> Turn | None:
            row = connection.execute(_FIND, {"id": session_id, "message_id": message_id}).fetchone()
            return None if row is None else to_turn(row)

        return await self._database.read(work)

    async def rename(self, session_id: SessionId, title: str, *, now_ms: int) -> Session | None:
        """Give a chat a title."""

        def work(tx: Transaction) -> Session | None:
            if not tx.changed(_RENAME, (title, now_ms, tx.epoch, session_id)):
                return None
            return to_session(tx.execute(_GET, (session_id,)).fetchone())

        return await self._database.write(work)

    async def delete(self, session_id: SessionId, *, by: UserId, now_ms: int) -> bool:
        """Take a chat out of every list and erase its texts."""

        def work(tx: Transaction) -> bool:
            values = {"id": session_id, "now_ms": now_ms, "epoch": tx.epoch}
            if tx.execute(_DELETE, values).rowcount == 0:
                return False
            for statement in _ERASE:
                tx.execute(statement, {"id": session_id})
            tx.record(by, "chat.deleted", {"session": session_id}, now_ms)
            return True

        return await self._database.write(work)


def is_chat(connection: Reader, lane: str) -> bool:
    """Return whether a lane is that of a chat."""
    return bool(connection.execute(_IS_CHAT, (lane,)).fetchone()[0])


def chat_exchanges(connection: Reader, session_id: SessionId, limit: int) -> list[StoredExchange]:
    """Return the newest turns of a chat as the model reads them, oldest first.

    The model also reads what was said to Claude Code, and how far an interrupted answer got.
    """
    rows = connection.execute(_EXCHANGES, {"id": session_id, "limit": limit}).fetchall()
    return [
        StoredExchange(turn_id=turn_id, prompt=prompt, answer=_as_read(answer, TurnState(state), why))
        for turn_id, prompt, answer, state, why in reversed(rows)
    ]


def supersede(tx: Transaction, first: int, by: int) -> None:
    """Take the turns of a chat from `first` on, and before the turn `by` that replaces them, out of its history."""
    tx.execute(_SUPERSEDE, {"first": first, "by": by})


def forget_unused(tx: Transaction, now_ms: int) -> None:
    """Delete the records of chats that were opened long ago and in which nothing was written."""
    tx.execute(_FORGET_UNUSED, (now_ms - UNUSED_MS,))


def _as_read(answer: str, state: TurnState, why: str) -> str:
    if state is TurnState.COMPLETED:
        return answer
    partial = "" if answer == why else answer
    note = STOPPED if state is TurnState.CANCELLED else f"({why})"
    return f"{partial}\n\n{note}".lstrip()


def _history(connection: Reader, session_id: SessionId, limit: int, before: MessageId | None) -> list[ChatEntry]:
    end = _NEWEST
    if before is not None:
        row = connection.execute(_BEFORE, {"id": session_id, "message_id": before}).fetchone()
        if row is None:
            return []
        end = row[0]
    rows = connection.execute(_PAGE, {"id": session_id, "before": end, "limit": limit}).fetchall()
    turns = [to_turn(row) for row in reversed(rows)]
    calls = _calls(connection, [turn.id for turn in turns])
    return [ChatEntry(result=result_of_turn(connection, turn), calls=calls.get(turn.id, ())) for turn in turns]


def _calls(connection: Reader, turn_ids: list[int]) -> Mapping[int, Sequence[StoredCall]]:
    """Return the calls of some turns, by the number of the turn; only the newest have their artifacts."""
    if not turn_ids:
        return {}
    sizes = f"""
        SELECT turn_id, sum(length(artifact)) FROM tool_calls
        WHERE turn_id IN ({", ".join("?" * len(turn_ids))}) AND artifact IS NOT NULL
        GROUP BY turn_id ORDER BY turn_id DESC
    """
    whole: list[int] = []
    characters = 0
    for turn_id, size in connection.execute(sizes, turn_ids):
        characters += size
        if characters > MOST_ARTIFACTS:
            break
        whole.append(turn_id)
    rest = [turn_id for turn_id in turn_ids if turn_id not in whole]
    return {**calls_of_turns(connection, rest, False), **calls_of_turns(connection, whole, True)}
