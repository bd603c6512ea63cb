"""The bodies of REST answers: protocol.md section 2, one dataclass each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar

from supervisor.delivery.views import usage
from supervisor.protocol import events
from supervisor.protocol.times import rfc3339, usd
from supervisor.store.records.result import Result

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """A session that was created."""

    session_id: str
    status: Literal["connected"]
    user_id: str
    project_path: str
    timestamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as it stands."""

    session_id: str
    user_id: str
    project_path: str
    status: str
    cost_usd: float
    message_count: int
    duration_seconds: float
    started_at: str
    last_activity: str
    ended_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """Sessions, newest activity first; `next_cursor` is null on the last page."""

    sessions: Sequence[Session]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCost:
    """What a session has cost so far."""

    session_id: str
    cost_usd: float
    message_count: int
    duration_seconds: float
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The running turn was told to stop; `message_id` is null where nothing ran."""

    session_id: str
    message_id: str | None
    partial: bool
    timestamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """A session that was ended."""

    session_id: str
    reason: str
    timestamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryMessage:
    """A stored message of a session; `user_id`: who wrote it, None for an answer."""

    id: str
    direction: str
    message: str
    timestamp: str
    cost_usd: float | None
    status: str
    context: Mapping[str, Any] | None
    user_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Messages of a session, oldest first."""

    session_id: str
    messages: Sequence[HistoryMessage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Claude Code's answer to a prompt."""

    message_id: str
    content: str
    cost_usd: float | None
    timestamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A message that Claude Code works on; its answer is in the session's history and under /api/messages/{id}."""

    routed: Literal[True] = True
    user_id: str
    message: str
    channel: str
    action: Literal["routed_to_claude_code"] = "routed_to_claude_code"
    session_id: str
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRouted:
    """A message that is not for Claude Code; nothing was accepted."""

    routed: Literal[False] = False
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """What one user, session, day, channel or model has cost."""

    key: str
    cost_usd: float
    message_count: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What was spent; `rows` is empty without `group_by`."""

    total_usd: float
    rows: Sequence[CostRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An accepted message: where it went, where it stands, its answer.

    Attributes:
        error: why it did not complete; empty where it did, or has not ended.
    """

    message_id: str
    state: str
    target: str
    reason: str
    user_id: str
    session_id: str | None
    channel: str
    message: str
    answer: str
    error: str
    stop_reason: str
    cost_usd: float
    usage: Mapping[str, int]
    duration_ms: int
    accepted_at: str
    ended_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A request that was not carried out; `retry_after` in seconds."""

    error: str
    code: str
    remedy: str = ""
    retry_after: float | None = None


def picked(kind: type[T], source: events.Event | events.CostRow | events.HistoryMessage) -> T:
    """Return an event of the socket as a body, without what belongs to the socket."""
    return kind(**{item.name: getattr(source, item.name) for item in fields(kind)})  # type: ignore[arg-type]


def answer(result: Result) -> Answer:
    """Return a completed turn as the answer to its prompt."""
    return Answer(
        message_id=result.turn.message_id,
        content=result.answer,
        cost_usd=usd(result.cost_nanos),
        timestamp=rfc3339(result.ended_ms if result.ended_ms is not None else result.turn.accepted_ms),
    )


def message(result: Result) -> Message:
    """Return a turn as it stands."""
    turn = result.turn
    return Message(
        message_id=turn.message_id,
        state=turn.state.value,
        target=turn.target.value,
        reason=turn.reason,
        user_id=turn.user_id,
        session_id=turn.session_id,
        channel=turn.channel,
        message=turn.text,
        answer=result.answer,
        error=result.why,
        stop_reason=result.stop_reason,
        cost_usd=usd(result.cost_nanos),
        usage=usage(result.tokens),
        duration_ms=result.duration_ms,
        accepted_at=rfc3339(turn.accepted_ms),
        ended_at=rfc3339(result.ended_ms) if result.ended_ms is not None else None,
    )
