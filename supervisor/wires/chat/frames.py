"""The frames of the chat, one dataclass each (docs/chat.md): first those of clients, then those of the server.

A field with the value `OMIT` is left out of the frame. A field with the value None is sent as null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from supervisor.approvals.answering import MAX_MINUTES
from supervisor.protocol.limits import Between, Length
from supervisor.protocol.requests import AnySessionId, ExternalId, Name, Text
from supervisor.protocol.values.record import record
from supervisor.protocol.wire.omit import OMIT, Omit

LARGEST_SEQ = 2**53 - 1
"""The largest whole number that a client in JavaScript can hold."""

HISTORY_MESSAGES = 200
"""How many messages a history holds at most, their answers not counted."""

MOST_OPEN = 100
"""Most messages that a client may ask for the ends of."""

Kind = Literal["schedule", "analysis", "configuration", "report"]
"""What an artifact is."""

Way = Literal["queue", "steer", "interrupt"]
"""How a message enters a session that is answering."""

MAX_ATTACHMENTS = 100
"""Most files of a message; `[uploads] files` allows fewer."""

# -- what clients send


@record
class UserMessage:
    """A message of the person.

    Attributes:
        session_id: None = the session of the connection; another one switches the connection to it.
        mode: None = as configured.
        attachments: ids of files that were put to /api/uploads.
        external_id: the client's own id; a second message with the same one within 24 h is not accepted again.
    """

    content: Text
    session_id: AnySessionId | None = None
    mode: Way | None = None
    external_id: ExternalId | None = None
    attachments: Annotated[tuple[Name, ...], Length(0, MAX_ATTACHMENTS)] = ()
    type: Literal["user_message"] = "user_message"


@record
class Interrupt:
    """Ends the running answer."""

    type: Literal["interrupt"] = "interrupt"


@record
class GetHistory:
    """Asks for the messages of the session.

    Attributes:
        before: the id of a message or an answer: only messages before it; None = the newest.
        limit: at most so many messages, their answers not counted; None = as many as fit.
    """

    before: Name | None = None
    limit: Annotated[int, Between(1, HISTORY_MESSAGES)] | None = None
    type: Literal["get_history"] = "get_history"


@record
class Resume:
    """Asks for the frames after the last one that the client has seen.

    Attributes:
        open: messages whose ends the client has not seen: of those that have ended it gets the ends, also where nobody
            can tell any more whether they went out before.
    """

    after_seq: Annotated[int, Between(0, LARGEST_SEQ)]
    open: Annotated[tuple[Name, ...], Length(0, MOST_OPEN)] = ()
    type: Literal["resume"] = "resume"


@record
class Confirm:
    """Answers a `confirm_request`.

    Attributes:
        minutes: with `allow`: how long later calls of the same tool are allowed as well; None = only this call.
    """

    id: Name
    decision: Literal["allow", "deny"]
    note: Annotated[str, Length(0, 1000)] | None = None
    minutes: Annotated[int, Between(0, MAX_MINUTES)] | None = None
    type: Literal["confirm"] = "confirm"


@record
class Edit:
    """Replaces a message of the person, and asks again from there."""

    message_id: Name
    content: Text
    type: Literal["edit"] = "edit"


@record
class Typing:
    """The person is writing."""

    type: Literal["typing"] = "typing"


ClientFrame = UserMessage | Interrupt | GetHistory | Resume | Confirm | Edit | Typing

# -- what the server sends


@record
class Connected:
    """The session of the connection, and how many messages its history holds."""

    session_id: str
    history_count: int
    type: Literal["connected"] = "connected"


@record
class Token:
    """The next piece of the running answer."""

    content: str
    type: Literal["token"] = "token"


@record
class ToolCallStart:
    """The model begins to write a tool call."""

    name: str
    id: str
    type: Literal["tool_call_start"] = "tool_call_start"


@record
class ToolCall:
    """A tool call with its whole input."""

    name: str
    input: Mapping[str, Any]
    id: str
    type: Literal["tool_call"] = "tool_call"


@record
class ToolResult:
    """The result of a tool call; `result` holds at least `tool_name`."""

    id: str
    result: Mapping[str, Any]
    type: Literal["tool_result"] = "tool_result"


@record
class Complete:
    """An answer is complete. `cost_usd` is null where nothing of it has a known price."""

    usage: Mapping[str, int]
    cost_usd: float | None
    message_ids: Sequence[str]
    type: Literal["complete"] = "complete"


@record
class Interrupted:
    """An answer was ended before it was complete, or there was none to end."""

    message: str
    partial_response: bool
    message_id: str | Omit = OMIT
    type: Literal["interrupted"] = "interrupted"


@record
class Error:
    """A message was refused, or its answer failed."""

    message: str
    code: str
    retry_after: float | Omit = OMIT
    message_id: str | Omit = OMIT
    type: Literal["error"] = "error"


@record
class HistoryItem:
    """A message of the history. `status` is that of its turn: an answer of a turn that is not completed is partial."""

    id: str
    role: Literal["user", "assistant"]
    content: str
    timestamp: str
    tool_calls: Sequence[Mapping[str, Any]] | Omit = OMIT
    artifacts: Sequence[Mapping[str, Any]] | Omit = OMIT
    cost_usd: float | Omit | None = OMIT
    status: str | Omit = OMIT
    interrupted: bool | Omit = OMIT


@record
class History:
    """The messages of the session, oldest first; the newest ones where not all fit.

    Attributes:
        earlier: whether the session has messages before the first one.
        before: that of the `get_history` that is answered.
    """

    messages: Sequence[HistoryItem]
    earlier: bool = False
    before: str | Omit = OMIT
    type: Literal["history"] = "history"


@record
class Artifact:
    """A result that the client shows beside the chat. Its own type is `kind`, because `type` names the frame."""

    id: str
    kind: Kind
    title: str
    data: Any
    type: Literal["artifact"] = "artifact"


@record
class ConfirmRequest:
    """A tool call waits for the person, with its exact input."""

    id: str
    tool: str
    input: Mapping[str, Any]
    summary: str
    expires_at: str
    type: Literal["confirm_request"] = "confirm_request"


@record
class ConfirmResolved:
    """A tool call waits no longer. `by` is empty where nobody answered in time."""

    id: str
    decision: Literal["allow", "deny"]
    by: str
    type: Literal["confirm_resolved"] = "confirm_resolved"


@record
class Queued:
    """A message waits; `position` 1 is next."""

    position: int
    reason: str
    message_id: str | Omit = OMIT
    type: Literal["queued"] = "queued"


@record
class Notice:
    """Something that the person should know, which ends no answer."""

    message: str
    code: str | Omit = OMIT
    type: Literal["notice"] = "notice"


@record
class WrittenElsewhere:
    """A message of this session that was written by another connection or another way."""

    id: str
    by: str
    content: str
    external_id: str | Omit = OMIT
    type: Literal["user_message"] = "user_message"


@record
class Present:
    """A person who has the session open."""

    id: str
    state: Literal["viewing", "writing"]


@record
class Presence:
    """Who has the session open."""

    users: Sequence[Present]
    type: Literal["presence"] = "presence"


@record
class Resumed:
    """What `resume` asked for was sent; what follows is new."""

    type: Literal["resumed"] = "resumed"


@record
class TitleChanged:
    """The session has another title."""

    title: str
    type: Literal["session_updated"] = "session_updated"


ServerFrame = (
    Connected
    | Token
    | ToolCallStart
    | ToolCall
    | ToolResult
    | Complete
    | Interrupted
    | Error
    | History
    | Artifact
    | ConfirmRequest
    | ConfirmResolved
    | Queued
    | Notice
    | WrittenElsewhere
    | Presence
    | Resumed
    | TitleChanged
)

End = Complete | Interrupted | Error
"""What ends an answer."""
