"""The messages of the supervisor to socket clients, one dataclass each (docs/protocol.md).

Those that are pushed without a request stand in `wire/`, by what they are about.

A field with the value `OMIT` is left out of the frame. A field with the value None is sent as null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from supervisor.protocol.wire.agents import AgentSaid as AgentSaid
from supervisor.protocol.wire.agents import AgentStateChanged as AgentStateChanged
from supervisor.protocol.wire.approvals import ApprovalRequested as ApprovalRequested
from supervisor.protocol.wire.approvals import ApprovalResolved as ApprovalResolved
from supervisor.protocol.wire.chat import ArtifactMade as ArtifactMade
from supervisor.protocol.wire.chat import ChatNotice as ChatNotice
from supervisor.protocol.wire.chat import ChatPrompt as ChatPrompt
from supervisor.protocol.wire.chat import ConfirmationAnswered as ConfirmationAnswered
from supervisor.protocol.wire.chat import ConfirmationAsked as ConfirmationAsked
from supervisor.protocol.wire.chat import ToolCallBegun as ToolCallBegun
from supervisor.protocol.wire.event import Event as Event
from supervisor.protocol.wire.money import CostAlert as CostAlert
from supervisor.protocol.wire.money import CostRecorded as CostRecorded
from supervisor.protocol.wire.omit import OMIT as OMIT
from supervisor.protocol.wire.omit import Omit as Omit
from supervisor.protocol.wire.rows import CostBudget as CostBudget
from supervisor.protocol.wire.rows import CostRow as CostRow
from supervisor.protocol.wire.turns import ClaudeCodeDelta as ClaudeCodeDelta
from supervisor.protocol.wire.turns import ClaudeCodeEnded as ClaudeCodeEnded
from supervisor.protocol.wire.turns import ClaudeCodeQueued as ClaudeCodeQueued
from supervisor.protocol.wire.turns import ClaudeCodeStuck as ClaudeCodeStuck
from supervisor.protocol.wire.turns import ClaudeCodeTool as ClaudeCodeTool

PROTOCOL_VERSION = 1
"""The version that `auth_result` carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthResult(Event):
    """The result of `auth`. `user_id` names the only user that the token may act for; it is absent for others."""

    success: bool
    message: str
    server: str
    user_id: str | Omit = OMIT
    protocol: int = PROTOCOL_VERSION
    type: Literal["auth_result"] = "auth_result"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong(Event):
    """The answer to `ping`."""

    type: Literal["pong"] = "pong"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageResponse(Event):
    """The answer to `message`. `session_id` is null if the assistant answered."""

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
    """The session is ready: its process or its remote connection answers."""

    session_id: str
    timestamp: str
    resumed: bool
    status: Literal["connected"] = "connected"
    type: Literal["claude_code_connected"] = "claude_code_connected"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeResponse(Event):
    """The answer to `claude_code_message`. `usage` maps input_tokens, output_tokens and cache_* to whole numbers."""

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
    """The running turn is being stopped. `message_id` is null if no turn was running."""

    session_id: str
    message_id: str | None
    partial: bool
    timestamp: str
    type: Literal["claude_code_interrupted"] = "claude_code_interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeDisconnected(Event):
    """A session has ended. It is also pushed to subscribers when the session ends without a request."""

    session_id: str
    reason: str
    timestamp: str
    type: Literal["claude_code_disconnected"] = "claude_code_disconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatusReport(Event):
    """The status of a session: the body of `session_status`, and an item of `sessions`. Seconds are whole.

    A chat (`kind` is `chat`) has a `title`, and no project.
    """

    session_id: str
    user_id: str
    project_path: str
    status: str
    cost_usd: float
    message_count: int
    duration_seconds: int
    started_at: str
    last_activity: str
    ended_at: str | None
    kind: str = "claude_code"
    title: str | Omit = OMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatusEvent(SessionStatusReport):
    """The status of one session."""

    type: Literal["session_status"] = "session_status"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUpdated(SessionStatusReport):
    """Pushed: the status of a session has changed."""

    type: Literal["session_updated"] = "session_updated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions(Event):
    """A list of sessions, the one with the latest activity first."""

    sessions: Sequence[SessionStatusReport]
    type: Literal["sessions"] = "sessions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost(Event):
    """The costs. `rows` is empty without `group_by`. `budgets` lists the budgets that apply, if there are any."""

    total_usd: float
    rows: Sequence[CostRow]
    budgets: Sequence[CostBudget] | Omit = OMIT
    type: Literal["cost"] = "cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryMessage(Event):
    """A stored message of a session. `user_id` wrote it; null for an answer. A long context is sent as null.

    `reply_to` is the id of the message that it answers; null for a prompt.
    """

    id: str
    direction: str
    message: str
    timestamp: str
    cost_usd: float | None
    status: str
    context: Mapping[str, Any] | None
    user_id: str | None = None
    reply_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Event):
    """Messages of a session, oldest first. `truncated` = earlier ones of the page do not fit the frame."""

    session_id: str
    messages: Sequence[HistoryMessage]
    type: Literal["history"] = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAcknowledged(Event):
    """The message is accepted and stored. Its answer takes longer and follows."""

    message_type: Literal["sms", "email"]
    user: str
    timestamp: str
    message_id: str
    type: Literal["message_acknowledged"] = "message_acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSmsResponse(Event):
    """The answer to `sms_received`. The client delivers it."""

    to: str
    message: str
    user: str
    message_id: str
    type: Literal["send_sms_response"] = "send_sms_response"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendEmailResponse(Event):
    """The answer to `email_received`. The client delivers it."""

    to: str
    subject: str
    body: str
    user: str
    message_id: str
    type: Literal["send_email_response"] = "send_email_response"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed(Event):
    """All topics to which the connection is now subscribed."""

    topics: Sequence[str]
    type: Literal["subscribed"] = "subscribed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribed(Event):
    """The topics from which the connection is unsubscribed."""

    topics: Sequence[str]
    type: Literal["unsubscribed"] = "unsubscribed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(Event):
    """A request was refused or has failed. Its codes are listed in docs/protocol.md."""

    message: str
    code: str
    session_id: str | Omit = OMIT
    retry_after: float | Omit = OMIT
    type: Literal["error"] = "error"


SocketEvent = (
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
    | ClaudeCodeEnded
    | ClaudeCodeStuck
    | CostRecorded
    | CostAlert
    | ApprovalRequested
    | ApprovalResolved
    | AgentSaid
    | AgentStateChanged
)
"""A message of the supervisor socket."""

AnyEvent = (
    SocketEvent | ChatPrompt | ChatNotice | ToolCallBegun | ArtifactMade | ConfirmationAsked | ConfirmationAnswered
)
"""An event as the hub delivers it: a message of the socket, or one that only the admin chat shows."""
