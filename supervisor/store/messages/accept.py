"""T1: a message and its turn become durable, once; T2 shares the commit where the lane is free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supervisor.protocol.conversation import Attachment
from supervisor.protocol.errors import SessionNotFound
from supervisor.protocol.messages import CHAT, SessionId
from supervisor.protocol.status import SessionStatus, Target, TurnState
from supervisor.store.control.codes import close
from supervisor.store.control.rates import take
from supervisor.store.control.stops import stop_replaced, stop_running
from supervisor.store.drafts import add_drafts
from supervisor.store.messages.chats import supersede
from supervisor.store.messages.dedup import first_of, hashed
from supervisor.store.messages.joins import ahead_of, waits_already
from supervisor.store.messages.sessions import begins_twice, create_session
from supervisor.store.money.budgets import raise_limit
from supervisor.store.people.uploads import attach
from supervisor.store.ports.cluster.notices import Topic
from supervisor.store.records.acceptance import Acceptance, Accepted
from supervisor.store.records.turn import Turn
from supervisor.store.rows import optional_json, to_reply_json
from supervisor.store.transaction import Owner, Transaction

_PLACE = """
    SELECT (SELECT number FROM claude_code_sessions WHERE id = ?2),
           EXISTS (SELECT 1 FROM turns WHERE lane = ?1 AND state = 'running')
        OR EXISTS (SELECT 1 FROM turns WHERE lane = ?1 AND state = 'pending')
"""
_PROJECT_IS_TAKEN = """
    SELECT EXISTS (SELECT 1 FROM turns WHERE project = ?1 AND state = 'running' AND exclusive = 1)
        OR EXISTS (SELECT 1 FROM turns WHERE project = ?1 AND state = 'pending' AND exclusive = 1)
"""
_CHAT = "SELECT number FROM claude_code_sessions WHERE id = ? AND user_id = ? AND kind = 'chat' AND deleted_ms IS NULL"
_TOUCH_CHAT = """
    UPDATE claude_code_sessions
    SET message_count = message_count + :counts, updated_ms = :now_ms,
        activity_ms = CASE WHEN activity_ms > :now_ms THEN activity_ms ELSE :now_ms END,
        epoch = :epoch, status = 'idle', end_reason = '', ended_ms = NULL,
        title = CASE WHEN title = '' THEN :title ELSE title END
    WHERE number = :number
"""
_TOUCH_SESSION = """
    UPDATE claude_code_sessions
    SET message_count = message_count + 1, activity_ms = CASE WHEN activity_ms > ?1 THEN activity_ms ELSE ?1 END,
        updated_ms = ?1
    WHERE number = ?2
"""


def accept(tx: Transaction, message: Acceptance) -> Accepted:
    """Write a message with its turn, unless something is in its way, see `Accepted`.

    Raises:
        SessionNotFound: the session that the message is for has no record.
    """
    tx.point("accept")
    digest = hashed(message.digest)
    key = None if message.dedup_key is None else hashed(message.channel, message.account, message.dedup_key)
    if key is not None and (first := first_of(tx, key, digest, message.now_ms)) is not None:
        return first
    if message.new_session is not None and begins_twice(tx, message.new_session):
        return Accepted(message_id=message.message_id, moved=True)
    if message.limit is not None and (wait_ms := take(tx, message.user_id, message.limit, message.now_ms)):
        return Accepted(message_id=message.message_id, wait_ms=wait_ms)
    message = _with_limit_raised(tx, message)
    session, free = _place(tx, message)
    session_id = message.session_id if session is not None else None
    chat = _chat(tx, message)
    state = _first_state(message, free)
    turn_id = _add_turn(tx, message, session, chat, state)
    _add_to_inbox(tx, message, turn_id, key, digest, in_conversation=session is not None)
    if session is not None:
        _add_prompt(tx, message, turn_id, state)
        if session != chat:
            tx.remember(message.user_id, "", session, message.now_ms)
    if chat is not None:
        _touch_chat(tx, message, chat, counts=session == chat)
    replaced = _stop_others(tx, message, turn_id, state)
    attached = attach(tx, message.user_id, message.attachments, turn_id)
    if message.closes:
        close(tx, message.closes, message.now_ms)
    _add_replies(tx, message, turn_id, state)
    if not state.final:
        tx.count_message(Owner(turn_id, message.user_id, session, session_id or "", message.channel), message.now_ms)
    _record(tx, message, turn_id)
    if state is not TurnState.RUNNING:
        return Accepted(message_id=message.message_id, replaced=replaced)
    tx.point("start")
    started = _started(message, turn_id, session_id, attached)
    return Accepted(message_id=message.message_id, started=started, replaced=replaced)


def _with_limit_raised(tx: Transaction, message: Acceptance) -> Acceptance:
    """Raise the limit that the message adds to; its sender is told the new limit, or why it stays."""
    if message.raises is None:
        return message
    told = raise_limit(tx, message.raises, message.user_id, message.message_id, message.now_ms)
    return replace(message, reason=told, refusals=[replace(draft, text=told) for draft in message.refusals])


def _place(tx: Transaction, message: Acceptance) -> tuple[int | None, bool]:
    """Find the message's session and look whether its turn may start.

    Returns:
        The number of the session whose conversation the message joins, None where it joins none; and whether no turn
        of its lane, and no exclusive turn of its project if it is exclusive itself, is running or pending.
    """
    session_id = message.session_id if message.target in (Target.CLAUDE_CODE, Target.ASSISTANT) else None
    if session_id is not None and message.new_session is not None:
        create_session(tx, message.new_session, SessionStatus.CONNECTING, message.now_ms)
    session, taken = tx.execute(_PLACE, (message.lane, session_id)).fetchone()
    if session_id is not None:
        if session is None:
            raise SessionNotFound(session_id)
        if message.target is Target.CLAUDE_CODE:
            tx.execute(_TOUCH_SESSION, (message.now_ms, session))
    if message.exclusive and not taken:
        (taken,) = tx.execute(_PROJECT_IS_TAKEN, (message.project,)).fetchone()
    return session, not taken


def _chat(tx: Transaction, message: Acceptance) -> int | None:
    """Return the number of the chat that a message is written in, whoever answers it; None = it is in none.

    Raises:
        SessionNotFound: the chat was deleted, or is another user's.
    """
    written_in = SessionId(message.thread) if message.channel == CHAT else None
    if message.target is Target.ASSISTANT and message.session_id is not None:
        written_in = message.session_id
    if written_in is None:
        return None
    if (row := tx.one(_CHAT, (written_in, message.user_id))) is None:
        raise SessionNotFound(written_in)
    return int(row[0])


def _touch_chat(tx: Transaction, message: Acceptance, chat: int, *, counts: bool) -> None:
    """Bring the record of a chat up to date."""
    values = {"number": chat, "counts": counts, "now_ms": message.now_ms, "epoch": tx.epoch, "title": message.title}
    tx.execute(_TOUCH_CHAT, values)


def _stop_others(tx: Transaction, message: Acceptance, turn_id: int, state: TurnState) -> Sequence[Turn]:
    """Stop what the message interrupts; take out of the history of its chat what it replaces, and stop that.

    Returns:
        The replaced turns that had not ended.
    """
    if message.stops and state is TurnState.PENDING:
        stop_running(tx, message.lane, message.user_id, message.now_ms)
    if message.supersedes is None:
        return ()
    supersede(tx, message.supersedes.first, turn_id)
    return stop_replaced(tx, turn_id, message.supersedes.why, message.user_id, message.now_ms)


def _first_state(message: Acceptance, free: bool) -> TurnState:
    match message.target:
        case Target.REFUSED:
            return TurnState.CANCELLED
        case Target.COMMAND:
            return TurnState.COMPLETED
        case Target.CLAUDE_CODE | Target.ASSISTANT:
            return TurnState.RUNNING if message.start and free else TurnState.PENDING


def _add_turn(tx: Transaction, message: Acceptance, session: int | None, chat: int | None, state: TurnState) -> int:
    """Insert the row of the turn; return its number."""
    if state is TurnState.PENDING:
        tx.notify(Topic.WORK, f"{message.project} {message.lane}")
    starts = state is TurnState.RUNNING
    process = message.identity if starts else None
    return tx.insert_numbered(
        "turns",
        {
            "lane": message.lane,
            "target": str(message.target),  # a plain text: SQLite's module looks for an adapter for every other type
            "reason": message.reason,
            "state": str(state),
            "user_id": message.user_id,
            "session": session,
            "project": message.project,
            "exclusive": int(message.exclusive),
            "channel": message.channel,
            "thread": message.thread,
            "reply": to_reply_json(message.reply),
            "epoch": tx.epoch,
            "pid": process and process.pid,
            "pid_started": process and process.started,
            "boot_id": process and process.boot_id,
            "accepted_ms": message.now_ms,
            "started_ms": message.now_ms if starts else None,
            "ended_ms": message.now_ms if state.final else None,
            "why": message.reason if message.target is Target.REFUSED else "",
            "answer": _answer_of_command(message) if message.target is Target.COMMAND else None,
            "gather": int(message.gather),
            "resumes": message.resumes,
            "chat": chat,
            "way": message.way,
        },
        "id",
    )


def _add_to_inbox(
    tx: Transaction, message: Acceptance, turn_id: int, key: bytes | None, digest: bytes, *, in_conversation: bool
) -> None:
    """Insert the row of the message; a conversation keeps its text and context instead."""
    expires = key is not None and message.dedup_seconds is not None
    tx.insert(
        "inbox",
        {
            "message_id": message.message_id,
            "turn_id": turn_id,
            "account": message.account,
            "sender_kind": message.sender.kind,
            "sender": message.sender.value,
            "body": None if in_conversation else message.text,
            "note": message.note,
            "context": None if in_conversation else optional_json(message.context),
            "dedup": key,
            "dedup_until_ms": message.now_ms + round((message.dedup_seconds or 0) * 1000) if expires else None,
            "digest": digest,
        },
    )


def _add_prompt(tx: Transaction, message: Acceptance, turn_id: int, state: TurnState) -> None:
    """Insert the prompt into the conversation of its session."""
    tx.insert(
        "claude_code_messages",
        {
            "seq": 2 * turn_id,
            "id": message.message_id,
            "session_id": message.session_id,
            "direction": "to_claude",
            "message": message.text,
            "timestamp_ms": message.now_ms,
            "status": str(state),
            "context": optional_json(message.context),
        },
    )


def _add_replies(tx: Transaction, message: Acceptance, turn_id: int, state: TurnState) -> None:
    """Write what the sender is told at once: a refusal, a command's answer, or the position in the queue."""
    add_drafts(tx, message.refusals, turn_id, message.user_id, message.now_ms)
    told = message.acknowledgement
    if state is TurnState.PENDING and message.queued is not None:
        ahead = ahead_of(tx, turn_id, message.lane, message.project if message.exclusive else None)
        if ahead > 0:
            notices = message.queued(ahead)  # subscribers hear of the position in any case
            if not (message.told_once and waits_already(tx, turn_id, message.lane)):
                told = notices
    add_drafts(tx, told, turn_id, message.user_id, message.now_ms)


def _record(tx: Transaction, message: Acceptance, turn_id: int) -> None:
    event = "message.refused" if message.target is Target.REFUSED else "message.accepted"
    detail: dict[str, object] = {"turn": turn_id, "channel": message.channel, "from": message.sender.value}
    if message.way not in ("", message.channel):
        detail["way"] = message.way
    if message.source:
        detail["address"] = message.source
    if message.supersedes is not None:
        detail["supersedes"] = message.supersedes.first
    tx.record(message.user_id, event, detail, message.now_ms)


def _answer_of_command(message: Acceptance) -> str:
    return (message.refusals[0].text if message.refusals else None) or message.reason


def _started(message: Acceptance, turn_id: int, session_id: SessionId | None, attached: Sequence[Attachment]) -> Turn:
    """Return the turn that T2 has started in this commit."""
    return Turn(
        id=turn_id,
        message_id=message.message_id,
        lane=message.lane,
        target=message.target,
        reason=message.reason,
        state=TurnState.RUNNING,
        user_id=message.user_id,
        session_id=session_id,
        project=message.project,
        exclusive=message.exclusive,
        channel=message.channel,
        thread=message.thread,
        text=message.text,
        note=message.note,
        context=message.context,
        reply=message.reply,
        accepted_ms=message.now_ms,
        way=message.way,
        identity=message.identity,
        attachments=attached,
    )
