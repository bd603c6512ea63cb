"""What the supervisor sends on its socket: protocol.md section 1, one dataclass each.

A field whose default is `OMIT` is left out of the frame while it holds it; one that may be None is sent as null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal


class Omit(Enum):
    """The type of `OMIT`."""

    OMIT = "omit"


OMIT: Final = Omit.OMIT
"""Stands for a field that is not sent."""

PROTOCOL_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all: an answer carries the `request_id` of what it answers."""

    request_id: str | Omit = OMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthResult(Event):
    """Whether the token was taken."""

    success: bool
    message: str
    server: str
    protocol: int = PROTOCOL_VERSION
    type: Literal["auth_result"] = "auth_result"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong(Event):
    """A sign of life."""

    type: Literal["pong"] = "pong"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageResponse(Event):
    """The answer to `message`; `session_id` is null where the assistant answered."""

    target: Literal["claude_code", "assistant"]
    reason: str
    session_id: str | None
    message_id: str
    content: str
    cost_usd: float | None
    timestamp: str
    type: Literal["message_response"] = "message_response"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeConnected(Event):
    """The process (or the remote connection) answers."""

    session_id: str
    timestamp: str
    resumed: bool
    status: Literal["connected"] = "connected"
    type: Literal["claude_code_connected"] = "claude_code_connected"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeResponse(Event):
    """The answer to `claude_code_message`; `usage` maps input_tokens, output_tokens, cache_* to whole numbers."""

    session_id: str
    message_id: str
    content: str
    cost_usd: float | None
    timestamp: str
    usage: Mapping[str, int]
    duration_ms: int
    stop_reason: str
    type: Literal["claude_code_response"] = "claude_code_response"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeInterrupted(Event):
    """The running turn was told to stop; `message_id` is null where nothing ran."""

    session_id: str
    message_id: str | None
    partial: bool
    timestamp: str
    type: Literal["claude_code_interrupted"] = "claude_code_interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeDisconnected(Event):
    """A session has ended; also pushed to its subscribers when nobody asked for it."""

    session_id: str
    reason: str
    timestamp: str
    type: Literal["claude_code_disconnected"] = "claude_code_disconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatusReport(Event):
    """A session as it stands; the body of `session_status` and an item of `sessions`."""

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
class SessionStatusEvent(SessionStatusReport):
    """One session."""

    type: Literal["session_status"] = "session_status"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUpdated(SessionStatusReport):
    """Pushed when a session changes."""

    type: Literal["session_updated"] = "session_updated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions(Event):
    """A list of sessions, newest activity first."""

    sessions: Sequence[SessionStatusReport]
    type: Literal["sessions"] = "sessions"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """What one user, session, day, channel or model has cost."""

    key: str
    cost_usd: float
    message_count: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostBudget:
    """A limit and what is spent of it: of a `session`, or today (UTC) of a `user` or the `system`."""

    scope: str
    id: str
    limit_usd: float
    spent_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost(Event):
    """What was spent; `rows` is empty without `group_by`; `budgets` of what was asked about, where there are limits."""

    total_usd: float
    rows: Sequence[CostRow]
    budgets: Sequence[CostBudget] | Omit = OMIT
    type: Literal["cost"] = "cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryMessage:
    """A stored message of a session.

    Attributes:
        user_id: who wrote it; None for an answer.
    """

    id: str
    direction: str
    message: str
    timestamp: str
    cost_usd: float | None
    status: str
    context: Mapping[str, Any] | None
    user_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Event):
    """Messages of a session, oldest first."""

    session_id: str
    messages: Sequence[HistoryMessage]
    type: Literal["history"] = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAcknowledged(Event):
    """The message is durable; its answer takes longer and follows."""

    message_type: Literal["sms", "email"]
    user: str
    timestamp: str
    message_id: str
    type: Literal["message_acknowledged"] = "message_acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSmsResponse(Event):
    """The answer to `sms_received`, for the client to deliver."""

    to: str
    message: str
    user: str
    message_id: str
    type: Literal["send_sms_response"] = "send_sms_response"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendEmailResponse(Event):
    """The answer to `email_received`, for the client to deliver."""

    to: str
    subject: str
    body: str
    user: str
    message_id: str
    type: Literal["send_email_response"] = "send_email_response"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed(Event):
    """The topics that are now subscribed to, all of them."""

    topics: Sequence[str]
    type: Literal["subscribed"] = "subscribed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribed(Event):
    """The topics that were ended."""

    topics: Sequence[str]
    type: Literal["unsubscribed"] = "unsubscribed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(Event):
    """A request that was not carried out; codes and texts in protocol.md section 1."""

    message: str
    code: str
    session_id: str | Omit = OMIT
    retry_after: float | Omit = OMIT
    type: Literal["error"] = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeDelta(Event):
    """Pushed: a piece of an answer as it is written."""

    session_id: str
    message_id: str
    text: str
    type: Literal["claude_code_delta"] = "claude_code_delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeTool(Event):
    """Pushed: a tool call of the running turn."""

    session_id: str
    message_id: str
    tool_use_id: str
    name: str
    status: Literal["started", "succeeded", "failed"]
    input: Mapping[str, Any] | Omit = OMIT
    result: str | Omit = OMIT
    type: Literal["claude_code_tool"] = "claude_code_tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRecorded(Event):
    """Pushed: what a turn or a delivery has cost, once it is committed."""

    user_id: str
    session_id: str | None
    message_id: str | None
    cost_usd: float
    channel: str
    timestamp: str
    type: Literal["cost_recorded"] = "cost_recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAlert(Event):
    """Pushed: a budget is nearly or wholly spent; that of a `message` names who wrote it, and its session if any."""

    scope: str
    id: str
    spent_usd: float
    limit_usd: float
    level: Literal["warning", "exceeded"]
    user_id: str | Omit = OMIT
    session_id: str | Omit = OMIT
    type: Literal["cost_alert"] = "cost_alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested(Event):
    """Pushed: a tool call waits for a person."""

    approval_id: str
    session_id: str
    user_id: str
    tool: str
    summary: str
    expires_at: str
    type: Literal["approval_requested"] = "approval_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalResolved(Event):
    """An open question was decided."""

    approval_id: str
    decision: Literal["allow", "deny"]
    type: Literal["approval_resolved"] = "approval_resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeQueued(Event):
    """Pushed when a prompt waits, or went into the running turn: `ahead` counts the turns before it, then 0."""

    session_id: str
    message_id: str
    external_id: str | None
    user_id: str
    mode: str
    ahead: int
    type: Literal["claude_code_queued"] = "claude_code_queued"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeStuck(Event):
    """Pushed, once for each turn, when nothing was heard of it for long."""

    session_id: str
    message_id: str
    silent_seconds: int
    type: Literal["claude_code_stuck"] = "claude_code_stuck"


AnyEvent = (
    AuthResult
    | Pong
    | MessageResponse
    | ClaudeCodeConnected
    | ClaudeCodeResponse
    | ClaudeCodeInterrupted
    | ClaudeCodeDisconnected
    | SessionStatusEvent
    | SessionUpdated
    | Sessions
    | Cost
    | History
    | MessageAcknowledged
    | SendSmsResponse
    | SendEmailResponse
    | Subscribed
    | Unsubscribed
    | Error
    | ClaudeCodeDelta
    | ClaudeCodeTool
    | ClaudeCodeQueued
    | ClaudeCodeStuck
    | CostRecorded
    | CostAlert
    | ApprovalRequested
    | ApprovalResolved
)
