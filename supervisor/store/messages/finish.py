"""T3: a running turn ends, with its answer, its cost and its replies, in one transaction."""

from __future__ import annotations

from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId, UserId
from supervisor.protocol.status import TurnState
from supervisor.store.control.changes import end_recording
from supervisor.store.control.codes import issue
from supervisor.store.drafts import add_drafts
from supervisor.store.messages.joins import promote
from supervisor.store.messages.sessions import write_status
from supervisor.store.money.charges import Posted, earlier_charges, post
from supervisor.store.records.charge import Charge
from supervisor.store.records.outcome import Outcome, Settled
from supervisor.store.rows import CHARGE_COLUMNS, to_charge
from supervisor.store.sqlite.transaction import Owner, Transaction

_RUNNING = """
    SELECT t.user_id, t.session, coalesce(s.id, ''), t.channel,
           EXISTS (SELECT 1 FROM calls WHERE turn_id = t.id), EXISTS (SELECT 1 FROM ledger WHERE turn_id = t.id)
    FROM turns AS t LEFT JOIN claude_code_sessions AS s ON s.number = t.session
    WHERE t.id = ? AND t.state = 'running' AND t.epoch = ?
"""
_JOURNALLED = f"SELECT {CHARGE_COLUMNS} FROM calls WHERE turn_id = ? ORDER BY id"
_EMPTY_JOURNAL = "DELETE FROM calls WHERE turn_id = ?"
_END = """
    UPDATE turns
    SET state = ?, answer = ?, why = ?, stop_reason = ?, duration_ms = ?, provider_nanos = ?, files_changed = ?,
        ended_ms = ?, pid = NULL, pid_started = NULL, boot_id = NULL
    WHERE id = ? AND state = 'running' AND epoch = ?
"""
_ADD_ANSWER = """
    INSERT INTO claude_code_messages (seq, id, session_id, direction, message, timestamp_ms, cost_nanos, status)
    VALUES (?, ?, ?, 'from_claude', ?, ?, ?, ?)
"""
_TOUCH_SESSION = """
    UPDATE claude_code_sessions
    SET cost_nanos = cost_nanos + ?, activity_ms = max(activity_ms, ?), updated_ms = ?, epoch = ?, started = 1
    WHERE number = ?
"""


def finish(tx: Transaction, turn_id: int, outcome: Outcome) -> Settled | None:
    """End a turn that runs under this epoch; None = it does not, and nothing is written."""
    tx.point("finish")
    row = tx.one(_RUNNING, (turn_id, tx.epoch))
    if row is None:
        return None
    *keys, journalled, charged = row
    owner = Owner(turn_id, *keys)
    now_ms, state = outcome.now_ms, outcome.state.value
    # The outcome's first: what could not be journalled is newer than what was, and each ref is posted once.
    charges = [*outcome.charges, *(_journalled(tx, turn_id) if journalled else ())]
    earlier = earlier_charges(tx, owner) if charged else Posted()
    posted = post(tx, owner, charges, now_ms, earlier)
    spent = earlier + posted if charged else posted
    answer_id = None
    if owner.session is not None:
        answer_id = MessageId(uuid7())
        text = outcome.answer or (outcome.why if outcome.state is not TurnState.COMPLETED else "")
        tx.execute(
            _ADD_ANSWER,
            (2 * turn_id + 1, answer_id, owner.session_id, text, now_ms, posted.nanos, state),
        )
        tx.mark_prompt(turn_id, state)
        tx.execute(_TOUCH_SESSION, (posted.nanos, now_ms, now_ms, tx.epoch, owner.session))
        if outcome.session_status is not None:
            reason = outcome.session_reason or outcome.why
            write_status(tx, owner.session_id, outcome.session_status, reason, now_ms)
        tx.remember(owner.user_id, owner.channel, owner.session, now_ms)
    tx.execute(
        _END,
        (
            state,
            outcome.answer if owner.session is None else None,
            outcome.why,
            outcome.stop_reason,
            outcome.duration_ms,
            outcome.provider_nanos,
            outcome.files_changed,
            now_ms,
            turn_id,
            tx.epoch,
        ),
    )
    if outcome.recorded is not None:
        end_recording(tx, turn_id, outcome.recorded, now_ms)
    footer = outcome.footer(outcome, spent.nanos) if outcome.footer is not None else ""
    add_drafts(tx, outcome.replies, turn_id, owner.user_id, now_ms, footer=footer)
    if (asking := outcome.asking) is not None:
        code = issue(tx, asking.kind, asking.ref, UserId(owner.user_id), asking.until_ms)
        add_drafts(tx, asking.notices(code), turn_id, owner.user_id, now_ms, footer=footer if asking.footed else "")
    following = promote(tx, turn_id) if outcome.hosts else None
    tx.record("supervisor", f"turn.{state}", {"turn": turn_id, "nanos": spent.nanos}, now_ms)
    return Settled(
        cost_nanos=spent.nanos,
        tokens=spent.tokens,
        unpriced=spent.unpriced,
        answer_id=answer_id,
        following=following,
    )


def _journalled(tx: Transaction, turn_id: int) -> list[Charge]:
    """Take the turn's charges out of the journal."""
    charges = [to_charge(row) for row in tx.execute(_JOURNALLED, (turn_id,))]
    tx.execute(_EMPTY_JOURNAL, (turn_id,))
    return charges
