"""Messages that are pushed while a turn waits, runs and ends (docs/protocol.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from supervisor.protocol.wire.event import Event
from supervisor.protocol.wire.omit import OMIT, Omit


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeDelta(Event):
    """Pushed: the next piece of an answer."""

    session_id: str
    message_id: str
    text: str
    type: Literal["claude_code_delta"] = "claude_code_delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeTool(Event):
    """Pushed: a tool call of the running turn has started or ended."""

    session_id: str
    message_id: str
    tool_use_id: str
    name: str
    status: Literal["started", "succeeded", "failed"]
    input: Mapping[str, Any] | Omit = OMIT
    result: str | Omit = OMIT
    type: Literal["claude_code_tool"] = "claude_code_tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeQueued(Event):
    """Pushed: a prompt is queued behind `ahead` turns. `ahead` is 0 if it was written into the running turn.

    `waits_for` is a sentence that says what it waits for; it is empty if `ahead` is 0.
    """

    session_id: str
    message_id: str
    external_id: str | None
    user_id: str
    mode: str
    ahead: int
    waits_for: str = ""
    type: Literal["claude_code_queued"] = "claude_code_queued"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeEnded(Event):
    """Pushed: a turn has ended, and its answer is in the history. `status` is as in the history."""

    session_id: str
    message_id: str
    user_id: str
    status: str
    cost_usd: float | None
    duration_ms: int
    timestamp: str
    type: Literal["claude_code_ended"] = "claude_code_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeStuck(Event):
    """Pushed once per turn: the running turn has produced no event for `silent_seconds`."""

    session_id: str
    message_id: str
    silent_seconds: int
    type: Literal["claude_code_stuck"] = "claude_code_stuck"
