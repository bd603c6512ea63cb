"""The values between the core and a connector: a session and its prompts go down, events come up.

The events of one prompt come in this order: any number of `TextDelta`, `ToolBegun`, `ToolStarted`, `ToolFinished` and
`UsageReported`, then one `Finished` or `Failed`. The last event of a conversation is `Exited`. Example::

    Prompt(message_id="0197...", text="Run the tests.")
    ToolStarted(tool_use_id="toolu_1", name="Bash", input={"command": "make test"})
    ToolFinished(tool_use_id="toolu_1", failed=False, result="12 passed")
    TextDelta(text="All 12 tests pass.")
    Finished(message_id="0197...", text="All 12 tests pass.")
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.status import Permissions
from supervisor.protocol.tools import ToolCall as ToolCall
from supervisor.protocol.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEndpoint:
    """How a session reaches the Messages API: always through our own gateway.

    Attributes:
        base_url: without a trailing slash, e.g. `http://127.0.0.1:41234`.
        token: an opaque token of this session. It is not an API key, and it is revoked when the session ends.
    """

    base_url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEndpoint:
    """How the process of a session reaches tool servers: always through the daemon.

    Attributes:
        urls: of the daemon, by the name of each server.
        token: an opaque token of this process. It is revoked when the process ends.
        timeout: the longest duration of a call, in seconds.
        outdated: returns the servers that work and whose tools, as they are now, the process was not told of.
    """

    urls: Mapping[str, str]
    token: str = field(repr=False)
    timeout: float
    outdated: Callable[[], Sequence[str]] = tuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision about a tool call.

    Attributes:
        allowed: whether the tool runs.
        reason: why it does not run, as a sentence for the model and the user; empty when it is allowed.
    """

    allowed: bool
    reason: str = ""


Decide = Callable[[ToolCall], Awaitable[Verdict]]
"""Decides about a tool call. It may wait for a person. It never raises: if the decision fails, the call is denied."""


Tap = Callable[[str, bool], None]
"""Receives each raw line of the process behind a conversation, and whether the line is from stderr. It never blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSpec:
    """What a connector knows of a session.

    Attributes:
        id: the id of the session, or of the assistant's thread.
        conversation_id: a UUID that the core generates; Claude Code uses it as its session id.
        resume: True = the conversation exists and is to be continued.
        project_path: absolute, symlinks resolved; empty for the assistant.
        permissions: what Claude Code may do without asking.
        instructions: the path of a file with instructions for Claude Code; empty = there is none.
        model: None = the connector's default.
        home: a folder of this session under state.dir. The connector creates it, with mode 0700, if it needs one.
        endpoint: where to call the model; None = the connector does not call it through us.
        decide: asked before every tool call.
        tap: receives the raw lines of the process; None = not needed. A connector without a process ignores it.
        turn_timeout: the longest duration of one turn, in seconds.
        umask: of processes that work in the project; -1 = that of the daemon.
        tools: for a connector whose model has none of its own; None = the model gets no tools.
        joining: for a connector without `steers`: asked between two calls of the model for prompts that came meanwhile.
            The model reads them next, and the answer to the running prompt answers them too: they get no `Finished` or
            `Failed` of their own. None = there are none.
        tool_endpoint: for a process with tools of its own: where it finds those of tool servers; None = it gets none.
        elsewhere: another node gave the last prompt: what lies in `home` of the conversation is older, or nothing.
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
    instructions: str = ""
    umask: int = -1
    tools: Tools | None = None
    joining: Joining | None = None
    tool_endpoint: ToolEndpoint | None = None
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """A call of an earlier turn of a tool that the core gave, see `SessionSpec.tools`.

    Attributes:
        result: the text that the model got, or its beginning.
        failed: it was denied, or it failed.
    """

    tool_use_id: str
    name: str
    input: Mapping[str, Any]
    result: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """An earlier prompt of a conversation with its answer. A history lists the oldest first.

    Attributes:
        calls: those that the model made before its answer, in order.
    """

    prompt: str
    answer: str
    calls: Sequence[PastCall] = ()


HANDED_OVER = "uploads"
"""The folder in `SessionSpec.home` for copies of attached files. Claude Code may read there without asking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that a person attached to a message.

    Attributes:
        name: without folders, safe as a file's name.
        media_type: by its content.
        size: in bytes.
        path: absolute; only the daemon's user may read it.
    """

    id: str
    name: str
    media_type: str
    size: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A prompt for a conversation.

    Attributes:
        message_id: the id of the accepted message; the outcome carries it.
        text: the user's text with the additions of the core.
        context: data that a service sent with the message; None = none.
        key: the idempotency key for Claude Code, UUID text: Claude Code does not run a prompt with the same key again.
            None = `message_id` is the key.
        attachments: files of the message.
    """

    message_id: MessageId
    text: str
    context: Mapping[str, Any] | None = None
    key: MessageId | None = None
    attachments: Sequence[Attachment] = ()


Joining = Callable[[], Awaitable[Sequence[Prompt]]]
"""Returns the prompts that join the running one. It may wait for the store; it never raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Numbers of tokens of one or more model calls, as the Messages API counts them.

    Attributes:
        input: input tokens that neither come from the cache nor are written to it.
        output: output tokens, thinking included.
        cache_read: input tokens that are read from the cache.
        cache_write_5m: input tokens that are written to the cache for five minutes.
        cache_write_1h: input tokens that are written to the cache for one hour.
    """

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
    """Event: the next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolBegun:
    """Event: the model writes a tool call, whose input is not complete yet. Not every connector reports it.

    `ToolStarted` with the same id follows, unless the turn ends first, or the call cannot be read.
    """

    tool_use_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted:
    """Event: the model has called a tool.

    Attributes:
        reads: it is a tool of ours that only reads, by our own configuration.
    """

    tool_use_id: str
    name: str
    input: Mapping[str, Any]
    reads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinished:
    """Event: a tool call has ended.

    Attributes:
        failed: the call was denied, or it failed.
        result: the output as text for the person, shortened.
        for_model: the same for the model, where it differs; it is kept for later turns of the conversation.
        structured, title, kind: of an artifact, as in `ToolOutput`.
    """

    tool_use_id: str
    failed: bool
    result: str
    for_model: str = ""
    structured: Mapping[str, Any] | None = None
    title: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReported:
    """Event: the connector's own figures of the usage. The gateway's meter counts, unless `authoritative`.

    Attributes:
        provider_nanos: the cost in nanodollars by the provider or by Claude Code; None = it reports none.
        authoritative: True = the calls did not pass through our gateway (a remote Claude Code), so this is the cost.
    """

    model: str
    tokens: Tokens
    provider_nanos: int | None = None
    authoritative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Event: the turn of a prompt has ended with an answer.

    Attributes:
        message_id: `Prompt.message_id`; None = a turn without a prompt of ours.
        text: the whole answer, Markdown.
        stop_reason: the stop reason of the Messages API.
    """

    message_id: MessageId | None
    text: str
    stop_reason: str = "end_turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Event: the turn of a prompt has ended without an answer. The conversation goes on, unless `Exited` follows.

    Attributes:
        message_id: `Prompt.message_id`; None = a turn without a prompt of ours.
        why: the reason, as a sentence for the user.
        partial: the part of the answer that was written.
        interrupted: `Conversation.interrupt` stopped the turn.
        timed_out: the turn took too long.
        remedy: what to do; empty = `why` says enough.
    """

    message_id: MessageId | None
    why: str
    partial: str = ""
    interrupted: bool = False
    timed_out: bool = False
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """Event: the conversation has ended; no process or connection is left. It is always the last event.

    Attributes:
        why: the reason, as a sentence; empty = `Conversation.close` ended it.
    """

    why: str = ""


ConversationEvent = TextDelta | ToolBegun | ToolStarted | ToolFinished | UsageReported | Finished | Failed | Exited


class TraceKind(StrEnum):
    """How far a prompt got before its process was gone."""

    UNKNOWN = "unknown"
    """Not known: the prompt may have had any effect."""
    ABSENT = "absent"
    """Claude Code did not receive the prompt."""
    UNANSWERED = "unanswered"
    """Claude Code received the prompt, and the model had not answered."""
    SPOKEN = "spoken"
    """The model had written text, and had called no tool."""
    STARTED = "started"
    """The model had called a tool."""
    ANSWERED = "answered"
    """The answer was complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a connector finds of a prompt whose process is gone.

    Attributes:
        tools: the tool calls, a few words each, by their `tool_use_id`.
        answer: the whole answer, for `TraceKind.ANSWERED`.
    """

    kind: TraceKind = TraceKind.UNKNOWN
    tools: Mapping[str, str] = field(default_factory=dict)
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """Identifies a process, even after the kernel has reused its pid.

    Attributes:
        pid: the outermost process of the sandbox.
        started: its start time in clock ticks since boot, from /proc; 0 = not known.
        boot_id: the boot id of the machine; empty = not known.
    """

    pid: int
    started: int
    boot_id: str


STATE_MARK = "XSWARM_STATE"
"""Environment variable of our processes: identifies the state.dir of their daemon."""

PROCESS_MARK = "XSWARM_PROCESS"
"""Environment variable of Claude Code and of the tools that it starts: an id of this start of Claude Code."""

GROUP_PREFIX = "xswarm-"
"""Begins the name of each control group in which a process of Claude Code runs, with its tools."""

DAEMON_GROUP = "supervisor"
"""The daemon's own control group, where it could not stay in the one above. The groups of agents stand beside it."""
