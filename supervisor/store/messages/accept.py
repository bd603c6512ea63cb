"""T1: a message becomes a durable turn, once."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import replace
from hashlib import blake2b

from supervisor.protocol.errors import SessionNotFound
from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import SessionStatus, Target, TurnState
from supervisor.store.control.codes import close
from supervisor.store.drafts import add_drafts
from supervisor.store.messages.joins import ahead_of
from supervisor.store.money.budgets import raise_limit
from supervisor.store.records.acceptance import Acceptance, Accepted
from supervisor.store.records.session import NewSession
from supervisor.store.records.turn import Turn
from supervisor.store.rows import optional_json, to_reply_json
from supervisor.store.sqlite.transaction import Owner, Transaction

KNOWN = "SELECT message_id, digest, dedup_until_ms FROM inbox WHERE dedup = ?"
_FORGET_KEY = "UPDATE inbox SET dedup = NULL, dedup_until_ms = NULL WHERE dedup = ?"
_CREATE_SESSION = """
    INSERT INTO claude_code_sessions (id, user_id, project, project_path, conversation_id, thread, status, started_ms,
                                      activity_ms, updated_ms, epoch, shared)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO NOTHING
"""
_PLACE = """
    SELECT (SELECT number FROM claude_code_sessions WHERE id = ?2),
           EXISTS (SELECT 1 FROM turns WHERE lane = ?1 AND state = 'running')
        OR EXISTS (SELECT 1 FROM turns WHERE lane = ?1 AND state = 'pending')
"""
_PROJECT_IS_TAKEN = """
    SELECT EXISTS (SELECT 1 FROM turns WHERE project = ?1 AND state = 'running' AND exclusive = 1)
        OR EXISTS (SELECT 1 FROM turns WHERE project = ?1 AND state = 'pending' AND exclusive = 1)
"""
_TOUCH_SESSION = """
    UPDATE claude_code_sessions
    SET message_count = message_count + 1, activity_ms = max(activity_ms, ?), updated_ms = ?, epoch = ?
    WHERE number = ?
"""
_ADD_TURN = """
    INSERT INTO turns (lane, target, reason, state, user_id, session, project, exclusive, channel, thread, reply, epoch,
                       pid, pid_started, boot_id, accepted_ms, started_ms, ended_ms, why, answer,
                       gather)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_TO_INBOX = """
    INSERT INTO inbox (message_id, turn_id, account, sender_kind, sender, body, note, context, dedup, dedup_until_ms,
                       digest)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_PROMPT = """
    INSERT INTO claude_code_messages (seq, id, session_id, direction, message, timestamp_ms, status, context)
    VALUES (?, ?, ?, 'to_claude', ?, ?, ?, ?)
"""


def accept(tx: Transaction, a: Acceptance) -> Accepted:
    """Write a message with its turn, unless its key is known.

    Raises:
        SessionNotFound: the session that it is for has no record.
    """
    tx.point("accept")
    digest = _hash(a.digest)
    key = None if a.dedup_key is None else _hash(a.channel, a.account, a.dedup_key)
    if key is not None:
        first = tx.one(KNOWN, (key,))
        if first is not None:
            until_ms = first[2]
            if until_ms is None or a.now_ms < until_ms:
                return Accepted(message_id=MessageId(first[0]), duplicate=True, same=first[1] == digest)
            tx.execute(_FORGET_KEY, (key,))
    if a.raises is not None:
        told = raise_limit(tx, a.raises, a.user_id, a.message_id, a.now_ms)
        a = replace(a, reason=told, refusals=[replace(draft, text=told) for draft in a.refusals])
    session, free = _place(tx, a)
    match a.target:
        case Target.REFUSED:
            state = TurnState.CANCELLED
        case Target.COMMAND:
            state = TurnState.COMPLETED
        case Target.CLAUDE_CODE | Target.ASSISTANT:
            state = TurnState.RUNNING if a.start and free else TurnState.PENDING
    starts, refused = state is TurnState.RUNNING, a.target is Target.REFUSED
    identity = a.identity if starts else None
    added = tx.execute(
        _ADD_TURN,
        (
            a.lane,
            a.target.value,  # a plain text: SQLite's module looks for an adapter for every other type
            a.reason,
            state.value,
            a.user_id,
            session,
            a.project,
            int(a.exclusive),
            a.channel,
            a.thread,
            to_reply_json(a.reply),
            tx.epoch,
            identity and identity.pid,
            identity and identity.started,
            identity and identity.boot_id,
            a.now_ms,
            a.now_ms if starts else None,
            a.now_ms if state.final else None,
            a.reason if refused else "",
            _told(a) if a.target is Target.COMMAND else None,
            int(a.gather),
        ),
    )
    assert added.lastrowid is not None, "an INSERT has one"
    turn_id = added.lastrowid
    context = optional_json(a.context)
    in_conversation = session is not None
    dedup_until_ms = None
    if key is not None and a.dedup_seconds is not None:
        dedup_until_ms = a.now_ms + round(a.dedup_seconds * 1000)
    tx.execute(
        _ADD_TO_INBOX,
        (
            a.message_id,
            turn_id,
            a.account,
            a.sender.kind,
            a.sender.value,
            None if in_conversation else a.text,
            a.note,
            None if in_conversation else context,
            key,
            dedup_until_ms,
            digest,
        ),
    )
    session_id = a.session_id if in_conversation else None
    if session is not None:
        tx.execute(_ADD_PROMPT, (2 * turn_id, a.message_id, session_id, a.text, a.now_ms, state.value, context))
        tx.remember(a.user_id, "", session, a.now_ms)
    if a.closes:
        close(tx, a.closes, a.now_ms)
    add_drafts(tx, a.refusals, turn_id, a.user_id, a.now_ms)
    if (
        state is TurnState.PENDING
        and a.queued is not None
        and (count := ahead_of(tx, turn_id, a.lane, a.project if a.exclusive else None)) > 0
    ):
        add_drafts(tx, a.queued(count), turn_id, a.user_id, a.now_ms)
    if not state.final:
        tx.count_message(Owner(turn_id, a.user_id, session, session_id or "", a.channel), a.now_ms)
    event = "message.refused" if refused else "message.accepted"
    tx.record(a.user_id, event, {"turn": turn_id, "channel": a.channel, "from": a.sender.value}, a.now_ms)
    if not starts:
        return Accepted(message_id=a.message_id)
    tx.point("start")
    return Accepted(message_id=a.message_id, started=_turn(a, turn_id, session_id))


def known(connection: sqlite3.Connection, channel: str, account: str, dedup_key: str, digest: str) -> Accepted | None:
    """Return a message as the repetition of the one that holds its key; None where none does or its time is over."""
    row = connection.execute(KNOWN, (_hash(channel, account, dedup_key),)).fetchone()
    if row is None or (row[2] is not None and row[2] <= time.time_ns() // 1_000_000):
        return None
    return Accepted(message_id=MessageId(row[0]), duplicate=True, same=row[1] == _hash(digest))


def create_session(tx: Transaction, new: NewSession, status: SessionStatus, now_ms: int) -> None:
    """Write a session's record, live; one that exists stays as it is."""
    tx.execute(
        _CREATE_SESSION,
        (
            new.id,
            new.user_id,
            new.project,
            new.project_path,
            new.conversation_id,
            new.thread,
            status,
            now_ms,
            now_ms,
            now_ms,
            tx.epoch,
            new.shared,
        ),
    )


def _place(tx: Transaction, a: Acceptance) -> tuple[int | None, bool]:
    """Find the message its place.

    Returns:
        The number of the session whose conversation it joins, None where it joins none; and whether nothing of its
        lane, and of an exclusive turn's project, runs or waits.
    """
    session_id = a.session_id if a.target is Target.CLAUDE_CODE else None
    if session_id is not None and a.new_session is not None:
        create_session(tx, a.new_session, SessionStatus.CONNECTING, a.now_ms)
    session, taken = tx.execute(_PLACE, (a.lane, session_id)).fetchone()
    if session_id is not None:
        if session is None:
            raise SessionNotFound(session_id)
        tx.execute(_TOUCH_SESSION, (a.now_ms, a.now_ms, tx.epoch, session))
    if a.exclusive and not taken:
        (taken,) = tx.execute(_PROJECT_IS_TAKEN, (a.project,)).fetchone()
    return session, not taken


def _turn(a: Acceptance, turn_id: int, session_id: str | None) -> Turn:
    return Turn(
        id=turn_id,
        message_id=a.message_id,
        lane=a.lane,
        target=a.target,
        reason=a.reason,
        state=TurnState.RUNNING,
        user_id=a.user_id,
        session_id=a.session_id if session_id is not None else None,
        project=a.project,
        exclusive=a.exclusive,
        channel=a.channel,
        thread=a.thread,
        text=a.text,
        note=a.note,
        context=a.context,
        reply=a.reply,
        accepted_ms=a.now_ms,
        identity=a.identity,
    )


def _told(a: Acceptance) -> str:
    """Return what the sender of a command is told, which is its answer."""
    return (a.refusals[0].text if a.refusals else None) or a.reason


def _hash(*parts: str) -> bytes:
    """Return 16 bytes that stand for some texts; lengths keep ("a", "bc") and ("ab", "c") apart."""
    joined = b"".join(len(encoded).to_bytes(4, "big") + encoded for encoded in (part.encode() for part in parts))
    return blake2b(joined, digest_size=16).digest()
