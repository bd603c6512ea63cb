"""Turns that somebody has stopped: what is asked for is stored at once, so that no restart runs them again."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.protocol.messages import UserId
from supervisor.protocol.status import TurnState
from supervisor.store.engine import Reader
from supervisor.store.ports.cluster.notices import Topic
from supervisor.store.records.turn import Turn
from supervisor.store.rows import TURNS, to_turn
from supervisor.store.transaction import Transaction, to_json

STOPPED = "stopped"
"""The kind of the event of a running turn that somebody has stopped; it may go on for a moment."""

_ADD_STOP = """
    INSERT INTO events (turn_id, seq, at_ms, epoch, kind, payload)
    SELECT id, (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE turn_id = turns.id), :now_ms, epoch, :kind, :payload
    FROM turns WHERE state = 'running'
"""
_STOP_LANE = f"{_ADD_STOP} AND lane = :lane"
_STOP_REPLACED = f"""
    {_ADD_STOP} AND (superseded_by = :turn_id
        OR id IN (SELECT host FROM turns WHERE superseded_by = :turn_id AND state = 'waiting'))
"""
_REPLACED = f"""
    {TURNS} WHERE t.superseded_by = ? AND t.state IN ('pending', 'running', 'waiting') ORDER BY t.id
"""
_CANCEL = "UPDATE turns SET state = 'cancelled', why = ?, ended_ms = ?, epoch = ? WHERE id = ? AND state = 'pending'"
_CHANNEL = """
    SELECT t.channel, i.message_id FROM turns AS t JOIN inbox AS i ON i.turn_id = t.id WHERE t.id = ?
"""
_IS_STOPPED = """
    SELECT EXISTS (SELECT 1 FROM events WHERE turn_id = :id AND kind = :kind)
        OR EXISTS (SELECT 1 FROM turns LEFT JOIN claude_code_sessions AS chat ON chat.number = turns.chat
                   WHERE turns.id = :id AND (superseded_by IS NOT NULL OR chat.deleted_ms IS NOT NULL))
"""


def cancel(tx: Transaction, turn_id: int, why: str, now_ms: int) -> bool:
    """Cancel a pending turn; False = it is not pending."""
    if not tx.changed(_CANCEL, (why, now_ms, tx.epoch, turn_id)):
        return False
    tx.mark_prompt(turn_id, TurnState.CANCELLED)
    channel, message_id = tx.execute(_CHANNEL, (turn_id,)).fetchone()
    tx.notify(Topic.ENDED, message_id)
    tx.record("supervisor", "turn.cancelled", {"turn": turn_id}, now_ms, channel=channel)
    return True


def stop_running(tx: Transaction, lane: str, by: str, now_ms: int) -> None:
    """Note that the running turn of a lane is to end."""
    values = {"lane": lane, "kind": STOPPED, "payload": to_json({"by": by}), "now_ms": now_ms}
    if tx.execute(_STOP_LANE, values).rowcount:
        tx.notify(Topic.STOPPED, lane)


def stop_replaced(tx: Transaction, turn_id: int, why: str, by: UserId, now_ms: int) -> Sequence[Turn]:
    """Cancel the pending turns that a turn replaces, and note that the running ones are to end.

    Returns:
        Those that had not ended, as they were before: pending ones are cancelled now.
    """
    found = [to_turn(row) for row in tx.execute(_REPLACED, (turn_id,))]
    for turn in found:
        cancel(tx, turn.id, why, now_ms)
    if found:
        values = {"turn_id": turn_id, "kind": STOPPED, "payload": to_json({"by": by}), "now_ms": now_ms}
        tx.execute(_STOP_REPLACED, values)
    for turn in found:
        tx.notify(Topic.STOPPED, turn.lane)
    return found


def is_stopped(connection: Reader, turn_id: int) -> bool:
    """Return whether somebody has stopped or replaced a turn, or has deleted its chat."""
    (stopped,) = connection.execute(_IS_STOPPED, {"id": turn_id, "kind": STOPPED}).fetchone()
    return bool(stopped)
