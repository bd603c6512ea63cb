"""What became of messages: results, conversations, and where a user was last."""

from __future__ import annotations

from supervisor.protocol.messages import MessageId, SessionId, UserId
from supervisor.protocol.status import TurnState
from supervisor.store.engine import Reader
from supervisor.store.records.result import Result, StoredExchange, StoredMessage
from supervisor.store.records.session import LastExchange
from supervisor.store.records.turn import Turn
from supervisor.store.rows import MESSAGES, TURNS, to_message, to_tokens, to_turn

_RESULT = f"{TURNS} WHERE i.message_id = ?"
_OUTCOME = """
    SELECT coalesce(m.message, t.answer, ''), m.id, t.why, t.stop_reason, t.duration_ms, t.ended_ms
    FROM turns AS t LEFT JOIN claude_code_messages AS m ON m.seq = 2 * t.id + 1
    WHERE t.id = ?
"""
_SPENT = """
    SELECT coalesce(sum(nanos), 0), coalesce(sum(input), 0), coalesce(sum(output), 0), coalesce(sum(cache_read), 0),
           coalesce(sum(cache_write_5m), 0), coalesce(sum(cache_write_1h), 0), coalesce(max(unpriced), 0)
    FROM ledger WHERE turn_id = ?1 OR turn_id IN (SELECT turn_id FROM delegations WHERE given_by = ?1)
"""
_JOINED = """
    SELECT i.message_id FROM turns AS t JOIN inbox AS i ON i.turn_id = t.id WHERE t.answered_by = ? ORDER BY t.id
"""
_SEQ = "SELECT seq FROM claude_code_messages WHERE id = ? AND session_id = ?"
_HISTORY = f"{MESSAGES} WHERE session_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
_NEWEST = 1 << 62
_ASSISTANT_EXCHANGES = """
    SELECT t.id, i.body, t.answer FROM turns AS t JOIN inbox AS i ON i.turn_id = t.id
    WHERE t.lane = ? AND t.state = 'completed' AND t.target = 'assistant' ORDER BY t.id DESC LIMIT ?
"""
_CLAUDE_CODE_EXCHANGES = """
    SELECT p.seq / 2, p.message, a.message
    FROM claude_code_messages AS a JOIN claude_code_messages AS p ON p.seq = a.seq - 1
    WHERE a.session_id = ? AND a.direction = 'from_claude' AND a.status = 'completed' ORDER BY a.seq DESC LIMIT ?
"""
_LAST_ENDED = """
    SELECT state FROM turns
    WHERE session = (SELECT number FROM claude_code_sessions WHERE id = ?) AND ended_ms IS NOT NULL
    ORDER BY id DESC LIMIT 1
"""
_INTERRUPTIONS = """
    SELECT count(*) FROM turns
    WHERE session = (SELECT number FROM claude_code_sessions WHERE id = ?) AND state = 'interrupted' AND ended_ms > ?
"""
_LAST_USED = """
    SELECT s.id, s.project, l.at_ms FROM last_used AS l JOIN claude_code_sessions AS s ON s.number = l.session
    WHERE l.user_id = ? AND l.channel = ?
"""


def result_of(connection: Reader, message_id: MessageId) -> Result | None:
    """Return what became of a message; None = there is no such message."""
    row = connection.execute(_RESULT, (message_id,)).fetchone()
    return None if row is None else result_of_turn(connection, to_turn(row))


def result_of_turn(connection: Reader, turn: Turn) -> Result:
    """Return what became of a turn."""
    answer, answer_id, why, stop_reason, duration_ms, ended_ms = connection.execute(_OUTCOME, (turn.id,)).fetchone()
    cost_nanos, *tokens, unpriced = connection.execute(_SPENT, (turn.id,)).fetchone()
    return Result(
        turn=turn,
        state=turn.state,
        # Where there was no answer, its row in the conversation shows why instead.
        answer="" if turn.state is not TurnState.COMPLETED and answer == why else answer,
        answer_id=answer_id,
        why=why,
        stop_reason=stop_reason,
        duration_ms=duration_ms,
        cost_nanos=cost_nanos,
        unpriced=bool(unpriced),
        tokens=to_tokens(tuple(tokens)),
        ended_ms=ended_ms,
        joined=tuple(joined for (joined,) in connection.execute(_JOINED, (turn.id,))),
    )


def history(connection: Reader, session_id: SessionId, limit: int, before: MessageId | None) -> list[StoredMessage]:
    """Return the newest `limit` messages of a session before another one, oldest first.

    Args:
        before: None = the newest of all; where the session has no such message, the list is empty.
    """
    end = _NEWEST
    if before is not None:
        row = connection.execute(_SEQ, (before, session_id)).fetchone()
        if row is None:
            return []
        end = row[0]
    rows = connection.execute(_HISTORY, (session_id, end, limit)).fetchall()
    return [to_message(row) for row in reversed(rows)]


def exchanges(connection: Reader, lane: str, limit: int) -> list[StoredExchange]:
    """Return the newest completed turns of a lane, oldest first."""
    rows = connection.execute(_ASSISTANT_EXCHANGES, (lane, limit)).fetchall()
    # The lane of a Claude Code conversation is its session's id.
    rows = rows or connection.execute(_CLAUDE_CODE_EXCHANGES, (lane, limit)).fetchall()
    return [StoredExchange(turn_id=turn_id, prompt=prompt, answer=answer) for turn_id, prompt, answer in rows[::-1]]


def was_cut_off(connection: Reader, session_id: SessionId) -> bool:
    """Return whether the last ended turn of a session was interrupted."""
    row = connection.execute(_LAST_ENDED, (session_id,)).fetchone()
    return row is not None and row[0] == TurnState.INTERRUPTED


def interruptions(connection: Reader, session_id: SessionId, since_ms: int) -> int:
    """Return how many turns of a session were interrupted after a time (milliseconds UTC)."""
    return int(connection.execute(_INTERRUPTIONS, (session_id, since_ms)).fetchone()[0])


def last_used(connection: Reader, user_id: UserId, channel: str) -> LastExchange | None:
    """Return a user's last exchange with Claude Code on a channel; None = there was none.

    Args:
        channel: empty = on any channel.
    """
    row = connection.execute(_LAST_USED, (user_id, channel)).fetchone()
    return None if row is None else LastExchange(session_id=row[0], project=row[1], answered_ms=row[2])
