"""T2: the oldest pending turn of a lane becomes the running one, with the process that runs it."""

from __future__ import annotations

from supervisor.protocol.conversation import ProcessIdentity
from supervisor.protocol.status import TurnState
from supervisor.store.messages.joins import gathered
from supervisor.store.records.turn import Turn
from supervisor.store.rows import TURN, to_turn
from supervisor.store.transaction import Transaction

_NEXT = """
    SELECT id FROM turns AS next
    WHERE id = (SELECT id FROM turns WHERE lane = ? AND state = 'pending' ORDER BY id LIMIT 1)
      AND NOT EXISTS (SELECT 1 FROM turns WHERE lane = next.lane AND state = 'running')
      AND (next.exclusive = 0 OR NOT EXISTS (
           SELECT 1 FROM turns WHERE project = next.project AND state = 'running' AND exclusive = 1))
"""
_START = """
    UPDATE turns SET state = 'running', epoch = :epoch, pid = :pid, pid_started = :pid_started, boot_id = :boot_id,
                     started_ms = :now_ms
    WHERE id = :id AND state = 'pending'
"""
_KEEP = "UPDATE claude_code_sessions SET node = ? WHERE id = ?"


def start_next(
    tx: Transaction, lane: str, identity: ProcessIdentity | None, now_ms: int, node: str = ""
) -> Turn | None:
    """Mark the oldest pending turn of a lane as running under this epoch.

    Turns that are gathered with it become part of it.

    Args:
        identity: the process that gets the prompt; None = there is none.
        node: gives the prompt, which another node or none gave last time; empty = as last time.

    Returns:
        The turn; None = nothing is pending, or a running turn of the lane or of an exclusive project is in its way.
    """
    tx.point("start")
    row = tx.one(_NEXT, (lane,))
    if row is None:
        return None
    turn_id: int = row[0]
    tx.execute(
        _START,
        {
            "id": turn_id,
            "epoch": tx.epoch,
            "pid": identity and identity.pid,
            "pid_started": identity and identity.started,
            "boot_id": identity and identity.boot_id,
            "now_ms": now_ms,
        },
    )
    if node:
        tx.execute(_KEEP, (node, lane))
    tx.mark_prompt(turn_id, TurnState.RUNNING)
    turn = to_turn(tx.execute(TURN, (turn_id,)).fetchone())
    return gathered(tx, turn, now_ms) if turn.gather else turn
