"""What passes between the core and what answers: prompts down, events up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.status import Permissions


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEndpoint:
    """Where a session reaches the Messages API: always our own gateway.

    Attributes:
        base_url: without a trailing slash, e.g. `http://127.0.0.1:41234`.
        token: opaque, of this session alone; it is no key and dies with the session.
    """

    base_url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool that the model wants to run.

    Attributes:
        tool_use_id: the model's id of this one call.
        agent_id: the subagent that asks, or None for the main thread.
        folder: where a shell command would run; empty where that is not known, or the project's own.
    """

    tool_use_id: str
    name: str
    input: Mapping[str, Any]
    agent_id: str | None = None
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the policy says of a tool call.

    Attributes:
        allowed: whether it runs.
        reason: a sentence for the model and for the person; empty where it is allowed.
    """

    allowed: bool
    reason: str = ""


Decide = Callable[[ToolCall], Awaitable[Verdict]]
"""Asks the one policy function about a tool call; never raises, a failure of its own is a no."""


Tap = Callable[[str, bool], None]
"""Takes a line of what the process behind a conversation writes, and whether it came from stderr; never blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """All that a connector may know of a session.

    Attributes:
        id: the session, or the assistant's thread.
        conversation_id: a UUID of our own: the id that Claude Code gets.
        resume: the conversation existed before; continue it.
        project_path: absolute, symlinks resolved; empty for the assistant.
        model: None for the connector's default.
        home: a folder of this session's own under state.dir, mode 0700; made by the connector when it needs one.
        endpoint: the way to a model; None where the connector does not need one.
        decide: the policy for tool calls.
        tap: takes the raw lines, where the connector has such.
        turn_timeout: seconds that one turn may take.
    """

    id: SessionId
    conversation_id: str
    resume: bool
    user_id: UserId
    project: ProjectName
    project_path: str
    permissions: Permissions
    model: str | None
    home: str
    endpoint: ModelEndpoint | None
    decide: Decide
    tap: Tap | None = None
    turn_timeout: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One earlier prompt of the conversation with its answer, oldest first in a history."""

    prompt: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One prompt for a conversation.

    Attributes:
        message_id: UUID text.
        key: UUID text: the idempotency key that Claude Code gets, which takes none again that it has begun to answer;
            None = the message's id.
        text: what the person wrote, with what the core adds.
        context: what a service sent along, or None.
    """

    message_id: MessageId
    text: str
    context: Mapping[str, Any] | None = None
    key: MessageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of one or several calls, as the Messages API counts them."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            input=self.input + other.input,
            output=self.output + other.output,
            cache_read=self.cache_read + other.cache_read,
            cache_write_5m=self.cache_write_5m + other.cache_write_5m,
            cache_write_1h=self.cache_write_1h + other.cache_write_1h,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """A piece of the answer, as it is written."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted:
    """The model has called a tool."""

    tool_use_id: str
    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinished:
    """A tool call has ended.

    Attributes:
        failed: it was denied or it failed.
        result: its output as text, cut to a readable length.
    """

    tool_use_id: str
    failed: bool
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReported:
    """What the connector itself says a turn has cost; our own meter is what counts.

    Attributes:
        provider_nanos: nanodollars by the provider's or the CLI's own figure, or None where it has none.
        authoritative: no call of this went through our gateway (a remote Claude Code): this figure is the cost.
    """

    model: str
    tokens: Tokens
    provider_nanos: int | None = None
    authoritative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The turn of a prompt has ended well.

    Attributes:
        message_id: whose turn it was; None for a turn that nobody asked for.
        text: the whole final answer, Markdown.
        stop_reason: as the model said it.
    """

    message_id: MessageId | None
    text: str
    stop_reason: str = "end_turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The turn of a prompt has ended without an answer; the conversation may go on.

    Attributes:
        why: a sentence for the person.
        partial: what had been written until then.
        interrupted: it was stopped because somebody asked for that.
        timed_out: the watchdog ended it.
        remedy: what to do about it; empty where the sentence says it all.
    """

    message_id: MessageId | None
    why: str
    partial: str = ""
    interrupted: bool = False
    timed_out: bool = False
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """The conversation is over: no process or connection is left. Always the last event.

    Attributes:
        why: a sentence; empty where it was closed on request.
    """

    why: str = ""


ConversationEvent = TextDelta | ToolStarted | ToolFinished | UsageReported | Finished | Failed | Exited


class TraceKind(StrEnum):
    """How far a prompt had come when its process was gone."""

    UNKNOWN = "unknown"
    """Nobody can tell: it may have done anything."""
    ABSENT = "absent"
    """It was never taken in."""
    UNANSWERED = "unanswered"
    """It was taken in, and nothing was answered."""
    SPOKEN = "spoken"
    """Something was said, no tool had been called."""
    STARTED = "started"
    """A tool had been called."""
    ANSWERED = "answered"
    """It was answered to the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What is left of a prompt whose process is gone.

    Attributes:
        tools: what had been called, in a few words each.
        answer: the whole final answer, where it was answered.
    """

    kind: TraceKind = TraceKind.UNKNOWN
    tools: tuple[str, ...] = ()
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """What tells a process from any other that ever had its pid.

    Attributes:
        pid: of the outermost process of the fence.
        started: start time in clock ticks since boot, from /proc (0 where there is none).
        boot_id: the machine's boot, empty where it is unknown.
    """

    pid: int
    started: int
    boot_id: str


STATE_MARK = "XSWARM_STATE"
"""Says which daemon's state a process belongs to."""

PROCESS_MARK = "XSWARM_PROCESS"
"""Holds an id of one start of Claude Code; its tools inherit it."""
