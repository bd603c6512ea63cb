"""Sessions: a stored one, a new one, and the one of Claude Code that a user used last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.protocol.status import SessionKind, SessionStatus
from supervisor.protocol.values.record import record


@record
class Session:
    """A session of Claude Code, or a chat, as stored.

    Attributes:
        kind: a chat has no project and no path: both are empty.
        title: of a chat, as lists name it; empty = nothing was asked in it yet.
        conversation_id: the UUID that Claude Code gets.
        thread: the mail thread that the session belongs to; empty for a user's one conversation in a project.
        started: Claude Code has got a prompt in this session, so it can be resumed.
        end_reason: a value of `EndReason`, or a sentence where the status is `error`; empty while the session is live.
        cost_nanos: what its turns have cost so far.
        message_count: accepted prompts, without answers.
        ended_ms: None while the session is live.
        activity_ms: the time of the last prompt, answer or start.
        shared: all users of the project use this session; `user_id` is the one who started it.
        node: the id of the node that gave Claude Code the last prompt, or the name, as earlier versions noted it; empty
            = not known, or the daemon was alone.
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
    kind: SessionKind = SessionKind.CLAUDE_CODE
    title: str = ""
    node: str = ""

    @property
    def is_chat(self) -> bool:
        """Whether the assistant answers in it."""
        return self.kind is SessionKind.CHAT

    @property
    def resumes_by_itself(self) -> bool:
        """Whether the next message starts the session again, or only a `claude_code_connect` does."""
        return self.status.resumes_by_itself(self.end_reason)


@record
class NewSession:
    """A session to be created, by itself or in the same transaction as its first message.

    Attributes:
        kind, conversation_id, thread, shared: as in `Session`.
    """

    id: SessionId
    user_id: UserId
    project: ProjectName
    project_path: str
    conversation_id: str
    thread: str = ""
    shared: bool = False
    kind: SessionKind = SessionKind.CLAUDE_CODE


@record
class LastExchange:
    """The session of a user's last exchange with Claude Code on a channel.

    Attributes:
        answered_ms: when the answer was stored, or on "any channel" when the prompt was.
    """

    session_id: SessionId
    project: ProjectName
    answered_ms: int
