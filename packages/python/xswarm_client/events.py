"""What a client gets: the events of an answer, and records. Fields that are not known here are ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeVar

Frame = dict[str, Any]
"""One message of the socket."""

T = TypeVar("T")


@dataclass(frozen=True)
class Text:
    """The next piece of the answer."""

    text: str = ""


@dataclass(frozen=True)
class Tool:
    """Claude Code calls a tool.

    Attributes:
        status: "started", "succeeded" or "failed".
        input: of the call; None where it is not told.
        result: None while it runs.
    """

    name: str = ""
    status: str = ""
    tool_use_id: str = ""
    input: Mapping[str, Any] | None = None
    result: str | None = None


@dataclass(frozen=True)
class Queued:
    """The prompt waits behind `ahead` others."""

    ahead: int = 0
    waits_for: str = ""


@dataclass(frozen=True)
class Question:
    """A tool call waits for a person; `approve` and `deny` of the client answer it.

    Attributes:
        call: the whole call; `diff` is what it changes in files.
        code: a short name of the question.
        expires_at: RFC 3339.
    """

    approval_id: str = ""
    session_id: str = ""
    user_id: str = ""
    tool: str = ""
    summary: str = ""
    call: str = ""
    diff: str = ""
    code: str = ""
    expires_at: str = ""


@dataclass(frozen=True)
class Reconnected:
    """The connection was lost and is back: text may be missing, or come again. The `Answer` has all of it."""


@dataclass(frozen=True)
class Answer:
    """The whole answer.

    Attributes:
        session_id: None where the assistant answered.
        cost_usd: None = not known.
        usage: tokens by kind.
        stop_reason: why the model stopped; "" where it is not told.
        reason: why a routed message went where it went.
    """

    content: str = ""
    message_id: str = ""
    session_id: str | None = None
    cost_usd: float | None = None
    timestamp: str = ""
    usage: Mapping[str, int] | None = None
    duration_ms: int = 0
    stop_reason: str = ""
    target: str = "claude_code"
    reason: str = ""

    def __str__(self) -> str:
        return self.content


Event = Text | Tool | Queued | Question | Reconnected | Answer
"""What a stream yields; the last one is the `Answer`."""

GroupBy = Literal["user", "session", "day", "channel", "model"]


@dataclass(frozen=True)
class SessionStatus:
    """A session of Claude Code. Times are RFC 3339 in UTC."""

    session_id: str = ""
    user_id: str = ""
    project_path: str = ""
    status: str = ""
    cost_usd: float = 0.0
    message_count: int = 0
    duration_seconds: int = 0
    started_at: str = ""
    last_activity: str = ""
    ended_at: str | None = None


@dataclass(frozen=True)
class CostRow:
    """What one user, session, day, channel or model cost."""

    key: str = ""
    cost_usd: float = 0.0
    message_count: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True)
class Cost:
    """What was spent."""

    total_usd: float = 0.0
    rows: tuple[CostRow, ...] = ()


@dataclass(frozen=True)
class HistoryMessage:
    """A message of a session; `direction` says whether it went to Claude Code or came from it."""

    id: str = ""
    direction: str = ""
    message: str = ""
    timestamp: str = ""
    cost_usd: float | None = None
    status: str = ""


def read(kind: type[T], frame: Mapping[str, Any]) -> T:
    """Return an object of a class above with those fields of a frame that the class has; others have defaults."""
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in frame.items() if name in known})
