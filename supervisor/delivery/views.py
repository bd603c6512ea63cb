"""Views: stored records as events and objects of the protocol, in dollars and RFC 3339 times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from supervisor.delivery.sizes import CONTEXT_BYTES, beginning, count_fitting, fitting, size_of
from supervisor.protocol import events
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.times import now_ms, rfc3339, usd
from supervisor.store.ports.approvals import Approval
from supervisor.store.ports.ledger import CostLine
from supervisor.store.records.result import Result, StoredMessage
from supervisor.store.records.session import Session

CALL_BYTES = 262_144
"""How much of a call a pushed event or a list holds, in bytes of UTF-8. With the diff, and escaped as JSON, the frame
stays below 1 MiB, the longest that clients take by default."""

DIFF_BYTES = 131_072
"""The same for its diff."""


def cost_usd(result: Result) -> float | None:
    """Return what a message has cost in dollars; None = nothing of it has a known price."""
    nanos = result.known_nanos
    return usd(nanos) if nanos is not None else None


def _session_fields(session: Session) -> dict[str, Any]:
    end = session.ended_ms if session.ended_ms is not None else now_ms()
    return {
        "session_id": session.id,
        "user_id": session.user_id,
        "project_path": session.project_path,
        "status": session.status.value,
        "cost_usd": usd(session.cost_nanos),
        "message_count": session.message_count,
        "duration_seconds": max(0, end - session.started_ms) // 1000,
        "started_at": rfc3339(session.started_ms),
        "last_activity": rfc3339(session.activity_ms),
        "ended_at": rfc3339(session.ended_ms) if session.ended_ms is not None else None,
        "kind": session.kind.value,
        "title": session.title if session.is_chat else events.OMIT,
    }


def session_report(session: Session) -> events.SessionStatusReport:
    """Return a session as an item of `sessions`."""
    return events.SessionStatusReport(**_session_fields(session))


def session_status(session: Session) -> events.SessionStatusEvent:
    """Return a session as the answer to `get_session_status`."""
    return events.SessionStatusEvent(**_session_fields(session))


def session_updated(session: Session) -> events.SessionUpdated:
    """Return a session as it is pushed to subscribers."""
    return events.SessionUpdated(**_session_fields(session))


def session_ended(session: Session) -> events.ClaudeCodeDisconnected:
    """Return the end of a session as it is pushed to subscribers."""
    ended_ms = session.ended_ms if session.ended_ms is not None else now_ms()
    return events.ClaudeCodeDisconnected(session_id=session.id, reason=session.end_reason, timestamp=rfc3339(ended_ms))


def cost_row(line: CostLine) -> events.CostRow:
    """Return a total as a row of `cost`."""
    return events.CostRow(
        key=line.key,
        cost_usd=usd(line.cost_nanos),
        message_count=line.message_count,
        input_tokens=line.input_tokens,
        output_tokens=line.output_tokens,
    )


def cost_budget(scope: str, id_: str, limit_nanos: int, spent_nanos: int) -> events.CostBudget:
    """Return a limit as an item of `cost`."""
    return events.CostBudget(scope=scope, id=id_, limit_usd=usd(limit_nanos), spent_usd=usd(spent_nanos))


def history_message(message: StoredMessage) -> events.HistoryMessage:
    """Return a stored message as an item of `history`; one that is too long to be sent is cut."""
    text, context = fitting(message.message), message.context
    if context is not None and size_of(context) > CONTEXT_BYTES:
        context = None
    whole = (text, context) == (message.message, message.context)
    return events.HistoryMessage(
        id=message.id,
        direction=message.direction,
        message=text,
        timestamp=rfc3339(message.timestamp_ms),
        cost_usd=usd(message.cost_nanos) if message.cost_nanos is not None else None,
        status=message.status,
        context=context,
        user_id=message.user_id,
        truncated=events.OMIT if whole else True,
        characters=events.OMIT if whole else len(message.message),
        reply_to=message.reply_to,
    )


def history_page(session_id: str, messages: Sequence[StoredMessage]) -> events.History:
    """Return messages as a page of the history, oldest first; where they do not fit, the oldest are left out."""
    items = [history_message(message) for message in reversed(messages)]
    count = count_fitting(size_of([item.id, item.message, item.context, item.user_id]) + 300 for item in items)
    left_out = events.OMIT if count == len(items) else True
    return events.History(session_id=session_id, messages=items[:count][::-1], truncated=left_out)


def approval_requested(approval: Approval) -> events.ApprovalRequested:
    """Return a question as it is pushed to those who may answer it."""
    call, diff = beginning(approval.text, CALL_BYTES), beginning(approval.diff, DIFF_BYTES)
    return events.ApprovalRequested(
        approval_id=approval.id,
        session_id=approval.session_id,
        user_id=approval.user_id,
        tool=approval.tool,
        summary=approval.summary,
        code=approval.code,
        call=call,
        diff=diff,
        characters=len(approval.text),
        truncated=(call, diff) != (approval.text, approval.diff),
        expires_at=rfc3339(approval.expires_ms),
    )


def usage(tokens: Tokens) -> dict[str, int]:
    """Return tokens under the names of the Messages API."""
    return {
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation_input_tokens": tokens.cache_write_5m + tokens.cache_write_1h,
    }
