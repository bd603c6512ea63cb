"""Maps rows to records: each mapping once, beside the SELECT whose columns it reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from supervisor.protocol.conversation import Attachment, ProcessIdentity, Tokens
from supervisor.protocol.messages import Address, Reply
from supervisor.protocol.status import OutboxState, Role, SessionKind, SessionStatus, Target, TurnState
from supervisor.store.records.accounts import Token, User
from supervisor.store.records.charge import Charge
from supervisor.store.records.outbox import OutboxRow
from supervisor.store.records.result import StoredMessage
from supervisor.store.records.session import Session
from supervisor.store.records.turn import Turn
from supervisor.store.transaction import Row, to_json

SESSIONS = """
    SELECT id, user_id, project, project_path, conversation_id, thread, status, end_reason, started, cost_nanos,
           message_count, started_ms, ended_ms, activity_ms, metadata, shared, kind, title, node
    FROM claude_code_sessions
"""

TURNS = """
    SELECT t.id, i.message_id, t.lane, t.target, t.reason, t.state, t.user_id, s.id, t.project, t.exclusive, t.channel,
           t.thread, coalesce(i.body, m.message), i.note, coalesce(i.context, m.context), t.reply, t.accepted_ms,
           t.attempts, t.pid, t.pid_started, t.boot_id, t.renamed, t.gather, t.way,
           (SELECT json_group_array(json_array(u.position, u.id, u.name, u.media_type, u.size, u.path))
            FROM uploads AS u WHERE u.turn_id = t.id)
    FROM turns AS t
    JOIN inbox AS i ON i.turn_id = t.id
    LEFT JOIN claude_code_messages AS m ON m.seq = 2 * t.id
    LEFT JOIN claude_code_sessions AS s ON s.number = t.session
"""

TURN = f"{TURNS} WHERE t.id = ?"

MESSAGES = """
    SELECT id, direction, message, timestamp_ms, cost_nanos, status, context,
           (SELECT t.user_id FROM turns AS t WHERE t.id = seq / 2 AND direction = 'to_claude'),
           (SELECT p.id FROM claude_code_messages AS p WHERE p.seq = m.seq - 1 AND m.direction = 'from_claude')
    FROM claude_code_messages AS m
"""

OUTBOX = """
    SELECT o.id, o.state, o.channel, o.account, o.to_kind, o.recipient, coalesce(o.body, m.message, t.answer, ''),
           o.meta, o.attempts, o.not_before_ms, o.sending_ms, o.created_ms, o.provider_id, o.note, o.user_id,
           (SELECT message_id FROM inbox WHERE turn_id = o.turn_id ORDER BY id LIMIT 1)
    FROM outbox AS o
    LEFT JOIN turns AS t ON t.id = o.turn_id
    LEFT JOIN claude_code_messages AS m ON m.seq = 2 * o.turn_id + 1
"""

TOKENS = "SELECT sha256, id, name, user_id, created_ms, expires_ms, revoked_ms FROM tokens"

CHARGE_COLUMNS = "ref, kind, model, input, output, cache_read, cache_write_5m, cache_write_1h, nanos, estimated"


def to_session(row: Row) -> Session:
    """Map a row of `SESSIONS`."""
    return Session(
        id=row[0],
        user_id=row[1],
        project=row[2],
        project_path=row[3],
        conversation_id=row[4],
        thread=row[5],
        status=SessionStatus(row[6]),
        end_reason=row[7],
        started=bool(row[8]),
        cost_nanos=row[9],
        message_count=row[10],
        started_ms=row[11],
        ended_ms=row[12],
        activity_ms=row[13],
        metadata=json.loads(row[14]),
        shared=bool(row[15]),
        kind=SessionKind(row[16]),
        title=row[17],
        node=row[18],
    )


def to_turn(row: Row) -> Turn:
    """Map a row of `TURNS`."""
    return Turn(
        id=row[0],
        message_id=row[1],
        lane=row[2],
        target=Target(row[3]),
        reason=row[4],
        state=TurnState(row[5]),
        user_id=row[6],
        session_id=row[7],
        project=row[8],
        exclusive=bool(row[9]),
        channel=row[10],
        thread=row[11],
        text=row[12],
        note=row[13],
        context=from_json(row[14]),
        reply=from_reply_json(row[15]),
        accepted_ms=row[16],
        attempts=row[17],
        identity=None if row[18] is None else ProcessIdentity(pid=row[18], started=row[19], boot_id=row[20]),
        renamed=row[21],
        gather=bool(row[22]),
        way=row[23],
        attachments=to_attachments(row[24]),
    )


def to_attachments(text: str) -> Sequence[Attachment]:
    """Map the last column of `TURNS`."""
    if text == "[]":
        return ()
    return tuple(
        Attachment(id=one[1], name=one[2], media_type=one[3], size=one[4], path=one[5])
        for one in sorted(json.loads(text))
    )


def to_message(row: Row) -> StoredMessage:
    """Map a row of `MESSAGES`."""
    return StoredMessage(
        id=row[0],
        direction=row[1],
        message=row[2],
        timestamp_ms=row[3],
        cost_nanos=row[4],
        status=row[5],
        context=from_json(row[6]),
        user_id=row[7],
        reply_to=row[8],
    )


def to_outbox_row(row: Row) -> OutboxRow:
    """Map a row of `OUTBOX`."""
    return OutboxRow(
        id=row[0],
        state=OutboxState(row[1]),
        channel=row[2],
        account=row[3],
        to=Address(kind=row[4], value=row[5]),
        text=row[6],
        meta=json.loads(row[7]),
        attempts=row[8],
        not_before_ms=row[9],
        sending_ms=row[10],
        created_ms=row[11],
        provider_id=row[12],
        note=row[13],
        user_id=row[14],
        message_id=row[15],
    )


def to_token(row: Row) -> Token:
    """Map a row of `TOKENS`."""
    return Token(id=row[1], name=row[2], user_id=row[3], created_ms=row[4], expires_ms=row[5], revoked_ms=row[6])


def to_user(row: Row, addresses: tuple[Address, ...], projects: tuple[Any, ...]) -> User:
    """Map (id, name, role, created_ms)."""
    return User(id=row[0], name=row[1], role=Role(row[2]), addresses=addresses, projects=projects, created_ms=row[3])


def to_charge(row: Row) -> Charge:
    """Map a row of `CHARGE_COLUMNS`."""
    return Charge(
        ref=row[0], kind=row[1], model=row[2], tokens=to_tokens(row[3:8]), nanos=row[8], estimated=bool(row[9])
    )


def to_tokens(row: Row) -> Tokens:
    """Map (input, output, cache_read, cache_write_5m, cache_write_1h)."""
    return Tokens(input=row[0], output=row[1], cache_read=row[2], cache_write_5m=row[3], cache_write_1h=row[4])


def from_charge(charge: Charge) -> Row:
    """Return the values of `CHARGE_COLUMNS`."""
    tokens = charge.tokens
    return (
        charge.ref,
        charge.kind,
        charge.model,
        tokens.input,
        tokens.output,
        tokens.cache_read,
        tokens.cache_write_5m,
        tokens.cache_write_1h,
        charge.nanos,
        charge.estimated,
    )


def from_json(text: str | None) -> Mapping[str, Any] | None:
    """Return the object that was stored, or None."""
    if text is None:
        return None
    value: Mapping[str, Any] = json.loads(text)
    return value


def optional_json(value: Mapping[str, Any] | None) -> str | None:
    """Return JSON for an object, None for None."""
    return None if value is None else to_json(value)


def to_reply_json(reply: Reply | None) -> str | None:
    """Return what `from_reply_json` reads."""
    if reply is None:
        return None
    return to_json([reply.channel, reply.to.kind, reply.to.value, reply.account, reply.meta])


def from_reply_json(text: str | None) -> Reply | None:
    """Return the reply that was stored."""
    if text is None:
        return None
    channel, kind, value, account, meta = json.loads(text)
    return Reply(channel=channel, to=Address(kind=kind, value=value), account=account, meta=meta)
