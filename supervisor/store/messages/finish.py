"""T3: a running turn ends; its outcome, answer, cost and replies are one transaction."""

from __future__ import annotations

from dataclasses import replace

from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId, UserId
from supervisor.protocol.status import TurnState
from supervisor.store.control.changes import end_recording
from supervisor.store.control.codes import issue
from supervisor.store.drafts import add_drafts
from supervisor.store.messages.joins import promote
from supervisor.store.messages.sessions import write_status
from supervisor.store.money.charges import NOTHING, Posted, delegated_charges, earlier_charges, post
from supervisor.store.ports.cluster.notices import Topic
from supervisor.store.records.charge import Charge
from supervisor.store.records.outcome import Outcome, Settled
from supervisor.store.rows import CHARGE_COLUMNS, to_charge
from supervisor.store.transaction import Owner, Transaction

_RUNNING = """
    SELECT t.user_id, t.session, coalesce(s.id, ''), t.channel,
           t.chat, s.deleted_ms IS NOT NULL,
           EXISTS (SELECT 1 FROM calls WHERE turn_id = t.id), EXISTS (SELECT 1 FROM ledger WHERE turn_id = t.id),
           EXISTS (SELECT 1 FROM delegations WHERE given_by = t.id),
           (SELECT message_id FROM inbox WHERE turn_id = t.id)
    FROM turns AS t LEFT JOIN claude_code_sessions AS s ON s.number = t.session
    WHERE t.id = ? AND t.state = 'running' AND t.epoch = ?
"""
_JOURNALLED = f"SELECT {CHARGE_COLUMNS} FROM calls WHERE turn_id = ? ORDER BY id"
_EMPTY_JOURNAL = "DELETE FROM calls WHERE turn_id = ?"
_END = """
    UPDATE turns
    SET state = :state, answer = :answer, why = :why, stop_reason = :stop_reason, duration_ms = :duration_ms,
        provider_nanos = :provider_nanos, files_changed = :files_changed, ended_ms = :now_ms,
        pid = NULL, pid_started = NULL, boot_id = NULL
    WHERE id = :id AND state = 'running' AND epoch = :epoch
"""
_INCLUDE = "UPDATE turns SET answered_by = ? WHERE id = ?"
_TOUCH_SESSION = """
    UPDATE claude_code_sessions
    SET cost_nanos = cost_nanos + ?1, activity_ms = CASE WHEN activity_ms > ?2 THEN activity_ms ELSE ?2 END,
        updated_ms = ?2, epoch = ?3, started = 1
    WHERE number = ?4
"""


def finish(tx: Transaction, turn_id: int, outcome: Outcome) -> Settled | None:
    """End a turn that runs under this epoch; None = it does not, and nothing is written."""
    tx.point("finish")
    row = tx.one(_RUNNING, (turn_id, tx.epoch))
    if row is None:
        return None
    *keys, chat, is_deleted, is_journalled, is_charged, has_delegated, message_id = row
    tx.notify(Topic.ENDED, message_id)
    owner = Owner(turn_id, *keys)
    earlier = earlier_charges(tx, owner) if is_charged else NOTHING
    # The outcome's charges first: what could not be journalled is newer than the journal, and a ref is posted once.
    charges = [*outcome.charges, *(_journalled(tx, turn_id) if is_journalled else ())]
    posted = post(tx, owner, charges, outcome.now_ms, earlier)
    spent = earlier + posted if is_charged else posted
    if is_deleted:
        outcome = replace(outcome, answer="", why="")
    outcome = _with_code(tx, owner, outcome)
    answer_id = _add_answer(tx, owner, outcome, posted) if owner.session is not None else None
    if owner.session is not None and owner.session != chat:
        tx.remember(owner.user_id, owner.channel, owner.session, outcome.now_ms)
    _end(tx, owner, outcome)
    if outcome.recorded is not None:
        end_recording(tx, turn_id, outcome.recorded, outcome.now_ms)
    _add_replies(tx, owner, outcome, spent.nanos)
    if outcome.includes:
        tx.executemany(_INCLUDE, [(turn_id, part_id) for part_id in outcome.includes])
    following = promote(tx, turn_id) if outcome.hosts else None
    detail = {
        "turn": turn_id,
        "nanos": spent.nanos,
        "tokens": [spent.tokens.input, spent.tokens.output],
        "ms": outcome.duration_ms,
    }
    tx.record("supervisor", f"turn.{outcome.state}", detail, outcome.now_ms, channel=owner.channel)
    delegated = delegated_charges(tx, turn_id) if has_delegated else NOTHING
    return Settled(
        cost_nanos=spent.nanos,
        tokens=spent.tokens,
        unpriced=spent.unpriced,
        answer_id=answer_id,
        following=following,
        delegated_nanos=delegated.nanos,
        delegated_tokens=delegated.tokens,
    )


def _journalled(tx: Transaction, turn_id: int) -> list[Charge]:
    """Take the turn's charges out of the journal."""
    charges = [to_charge(row) for row in tx.execute(_JOURNALLED, (turn_id,))]
    tx.execute(_EMPTY_JOURNAL, (turn_id,))
    return charges


def _add_answer(tx: Transaction, owner: Owner, outcome: Outcome, posted: Posted) -> MessageId:
    """Insert the answer into the conversation, and bring the rows of prompt and session up to date.

    A turn that did not complete and has no partial answer shows why instead.
    """
    assert owner.turn_id is not None, "it ends a turn"
    assert owner.session is not None, "it belongs to a conversation"
    answer_id, state, now_ms = MessageId(uuid7()), str(outcome.state), outcome.now_ms
    tx.insert(
        "claude_code_messages",
        {
            "seq": 2 * owner.turn_id + 1,
            "id": answer_id,
            "session_id": owner.session_id,
            "direction": "from_claude",
            "message": outcome.answer or (outcome.why if outcome.state is not TurnState.COMPLETED else ""),
            "timestamp_ms": now_ms,
            "cost_nanos": posted.nanos if posted.nanos or not posted.unpriced else None,
            "status": state,
        },
    )
    tx.mark_prompt(owner.turn_id, state)
    tx.execute(_TOUCH_SESSION, (posted.nanos, now_ms, tx.epoch, owner.session))
    if outcome.session_status is not None:
        reason = outcome.session_reason or outcome.why
        write_status(tx, owner.session_id, outcome.session_status, reason, now_ms)
    return answer_id


def _with_code(tx: Transaction, owner: Owner, outcome: Outcome) -> Outcome:
    """Return an outcome whose conversation shows the question to its person, with the code that is issued here."""
    if (asking := outcome.asking) is None or asking.shown is None:
        return outcome
    why = asking.shown(issue(tx, asking.kind, asking.ref, UserId(owner.user_id), asking.until_ms))
    return replace(outcome, why=why, asking=None)


def _end(tx: Transaction, owner: Owner, outcome: Outcome) -> None:
    """Write how the turn ended; a turn outside of a conversation keeps its answer in its own row."""
    tx.execute(
        _END,
        {
            "id": owner.turn_id,
            "epoch": tx.epoch,
            "state": str(outcome.state),
            "answer": outcome.answer if owner.session is None else None,
            "why": outcome.why,
            "stop_reason": outcome.stop_reason,
            "duration_ms": outcome.duration_ms,
            "provider_nanos": outcome.provider_nanos,
            "files_changed": outcome.files_changed,
            "now_ms": outcome.now_ms,
        },
    )


def _add_replies(tx: Transaction, owner: Owner, outcome: Outcome, spent_nanos: int) -> None:
    """Write the replies, and the question to the person with a code that is issued here."""
    footer = outcome.footer(outcome, spent_nanos) if outcome.footer is not None else ""
    add_drafts(tx, outcome.replies, owner.turn_id, owner.user_id, outcome.now_ms, footer=footer)
    if (asking := outcome.asking) is not None:
        code = issue(tx, asking.kind, asking.ref, UserId(owner.user_id), asking.until_ms)
        footer = footer if asking.footed else ""
        add_drafts(tx, asking.notices(code), owner.turn_id, owner.user_id, outcome.now_ms, footer=footer)
    for other in outcome.others:
        add_drafts(tx, (other.draft,), other.turn_id, other.user_id, outcome.now_ms)
