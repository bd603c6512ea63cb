"""A Claude Code session: as stored, as it is created, and as a user used it last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.protocol.status import SessionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A Claude Code session as stored.

    Attributes:
        conversation_id: the UUID that Claude Code gets.
        thread: the mail thread it belongs to; empty for the one conversation of a user in a project.
        started: whether Claude Code has ever got a prompt in it, so that there is something to resume.
        end_reason: value of `EndReason`, or a sentence for `error`; empty while it is live.
        shared: with all users of its project; `user_id` is who began it.
    """

    id: SessionId
    user_id: UserId
    project: ProjectName
    project_path: str
    conversation_id: str
    thread: str
    status: SessionStatus
    end_reason: str
    started: bool
    cost_nanos: int
    message_count: int
    started_ms: int
    ended_ms: int | None
    activity_ms: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    shared: bool = False

    @property
    def resumes_by_itself(self) -> bool:
        """Whether the next message starts the session again, or only a `claude_code_connect` does."""
        return self.status.resumes_by_itself(self.end_reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session to be created in the same transaction as its first message."""

    id: SessionId
    user_id: UserId
    project: ProjectName
    project_path: str
    conversation_id: str
    thread: str = ""
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LastExchange:
    """Where a user's last exchange with Claude Code on a channel was."""

    session_id: SessionId
    project: ProjectName
    answered_ms: int
