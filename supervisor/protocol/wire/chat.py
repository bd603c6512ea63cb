"""What is pushed of a running turn to the admin chat alone (docs/chat.md), beside the messages of `turns`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from supervisor.protocol.wire.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPrompt(Event):
    """Pushed: a message was accepted in a chat, by whichever channel; before anything of its answer."""

    session_id: str
    message_id: str
    user_id: str
    channel: str
    text: str
    type: Literal["chat_prompt"] = "chat_prompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatNotice(Event):
    """Pushed: something that the people in this chat should know, and that is no part of an answer."""

    session_id: str
    message: str
    type: Literal["chat_notice"] = "chat_notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallBegun(Event):
    """Pushed: the model has begun to write a tool call; its input is not complete yet."""

    session_id: str
    message_id: str
    tool_use_id: str
    name: str
    type: Literal["tool_call_begun"] = "tool_call_begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactMade(Event):
    """Pushed: the structured result of a tool call, whole. `kind` is empty where the tool does not say it."""

    session_id: str
    message_id: str
    tool_use_id: str
    name: str
    kind: str
    title: str
    data: Mapping[str, Any]
    type: Literal["artifact_made"] = "artifact_made"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationAsked(Event):
    """Pushed: a tool call of a turn that was written in this chat waits for a person.

    `input` is what the person decides about, whole, with names of people where the call has references.
    """

    session_id: str
    approval_id: str
    code: str
    tool_use_id: str
    tool: str
    input: Mapping[str, Any]
    summary: str
    expires_at: str
    type: Literal["confirmation_asked"] = "confirmation_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationAnswered(Event):
    """Pushed: it waits no longer. `by` is empty where nobody answered."""

    session_id: str
    approval_id: str
    decision: Literal["allow", "deny"]
    by: str
    type: Literal["confirmation_answered"] = "confirmation_answered"
