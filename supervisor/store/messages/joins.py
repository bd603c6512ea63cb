"""Turns that are part of another turn, their host: gathered into its prompt at T2, or steered into it while it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import TurnState
from supervisor.store.drafts import add_drafts
from supervisor.store.engine import Reader
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.turn import Turn
from supervisor.store.rows import TURN, to_turn
from supervisor.store.transaction import Transaction

MAX_GATHERED = 20
"""Most messages in one prompt."""

_BEHIND = "SELECT id, user_id, channel, way, gather FROM turns WHERE lane = ? AND state = 'pending' ORDER BY id LIMIT ?"
_JOIN = """
    UPDATE turns
    SET state = 'waiting', host = :host, epoch = :epoch, started_ms = :now_ms,
        (pid, pid_started, boot_id) = (SELECT pid, pid_started, boot_id FROM turns WHERE id = :host)
    WHERE id = :id AND state = 'pending'
      AND EXISTS (SELECT 1 FROM turns WHERE id = :host AND state = 'running' AND epoch = :epoch)
"""
_NEXT_IN_LANE = """
    SELECT t.id, t.lane, t.project, t.exclusive, t.user_id, t.state,
           t.id = (SELECT min(id) FROM turns WHERE lane = t.lane AND state = 'pending')
    FROM turns AS t JOIN inbox AS i ON i.turn_id = t.id WHERE i.message_id = ?
"""
_AHEAD = """
    SELECT (SELECT count(*) FROM turns WHERE lane = :lane AND state = 'running')
         + (SELECT count(*) FROM turns WHERE lane = :lane AND state = 'pending' AND id < :id)
         + (SELECT count(*) FROM turns
            WHERE project = :project AND state = 'running' AND exclusive = 1 AND lane <> :lane)
         + (SELECT count(*) FROM turns
            WHERE project = :project AND state = 'pending' AND exclusive = 1 AND lane <> :lane AND id < :id)
"""
_WAITS = """
    SELECT EXISTS (SELECT 1 FROM turns AS t JOIN turns AS mine ON mine.id = :id
                   WHERE t.lane = :lane AND t.state = 'pending' AND t.id < :id
                     AND t.user_id = mine.user_id AND t.channel = mine.channel AND t.channel = 'mail')
"""
_NEXT_PART = "SELECT min(id) FROM turns WHERE host = ? AND state = 'waiting'"
_PROMOTE = "UPDATE turns SET state = 'running', host = NULL, epoch = ? WHERE id = ?"
_REHOST = "UPDATE turns SET host = ?, epoch = ? WHERE host = ? AND state = 'waiting'"
_PART_AGAIN = """
    UPDATE turns SET state = 'pending', host = NULL, pid = NULL, pid_started = NULL, boot_id = NULL, started_ms = NULL
    WHERE host = ? AND state = 'waiting'
"""


def ahead_of(tx: Transaction | Reader, turn_id: int, lane: str, project: str | None) -> int:
    """Return how many turns are running or pending ahead of a turn.

    Args:
        project: whose exclusive turns count too; None = the turn is not exclusive.
    """
    row = tx.execute(_AHEAD, {"id": turn_id, "lane": lane, "project": project}).fetchone()
    return int(row[0])


def waits_already(tx: Transaction, turn_id: int, lane: str) -> bool:
    """Return whether a turn is of a mail, and an earlier mail of the same person is pending in its lane.

    A notice about a text is one line more in the phone; one about a mail is a mail.
    """
    row = tx.execute(_WAITS, {"id": turn_id, "lane": lane}).fetchone()
    return bool(row[0])


def gathered(tx: Transaction, host: Turn, now_ms: int) -> Turn:
    """Make the pending turns right behind a starting turn part of it, if they may be gathered; return it with them."""
    parts = []
    for turn_id, user_id, channel, way, gather in tx.execute(_BEHIND, (host.lane, MAX_GATHERED - 1)).fetchall():
        if not gather or (user_id, channel, way) != (host.user_id, host.channel, host.way):
            break
        parts.append(_join(tx, turn_id, host.id, now_ms))
    return replace(host, gathered=tuple(part for part in parts if part is not None))


def join(
    tx: Transaction,
    message_id: MessageId,
    host_id: int | None,
    joined: Sequence[OutboxDraft],
    queued: Callable[[int], Sequence[OutboxDraft]],
    now_ms: int,
) -> Turn | None:
    """Make a pending turn part of a running one, and write its sender a reply; None = it stays pending, or is not."""
    tx.point("join")
    row = tx.one(_NEXT_IN_LANE, (message_id,))
    if row is None or row[5] != TurnState.PENDING:
        return None
    turn_id, lane, project, exclusive, user_id, _, first = row
    part = _join(tx, turn_id, host_id, now_ms) if host_id is not None and first else None
    if part is not None:
        add_drafts(tx, joined, turn_id, user_id, now_ms)
    elif (count := ahead_of(tx, turn_id, lane, project if exclusive else None)) > 0:
        notices = queued(count)  # subscribers hear of the position in any case
        if not waits_already(tx, turn_id, lane):
            add_drafts(tx, notices, turn_id, user_id, now_ms)
    return part


def promote(tx: Transaction, host_id: int) -> Turn | None:
    """Let the first part of an ended turn run in its place, as the host of the others; None = it had no parts."""
    (turn_id,) = tx.execute(_NEXT_PART, (host_id,)).fetchone()
    if turn_id is None:
        return None
    tx.execute(_PROMOTE, (tx.epoch, turn_id))
    tx.execute(_REHOST, (turn_id, tx.epoch, host_id))
    return to_turn(tx.execute(TURN, (turn_id,)).fetchone())


def release(tx: Transaction, host_id: int) -> None:
    """Put the parts of a turn that never ran back in the queue."""
    parts = [row[0] for row in tx.execute("SELECT id FROM turns WHERE host = ? AND state = 'waiting'", (host_id,))]
    if parts:
        tx.execute(_PART_AGAIN, (host_id,))
    for turn_id in parts:
        tx.mark_prompt(turn_id, TurnState.PENDING)


def _join(tx: Transaction, turn_id: int, host_id: int, now_ms: int) -> Turn | None:
    values = {"id": turn_id, "host": host_id, "epoch": tx.epoch, "now_ms": now_ms}
    if tx.execute(_JOIN, values).rowcount == 0:
        return None
    tx.mark_prompt(turn_id, TurnState.RUNNING)
    return to_turn(tx.execute(TURN, (turn_id,)).fetchone())
