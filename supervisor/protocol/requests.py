"""The requests of clients on the supervisor socket, one dataclass each (docs/protocol.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from supervisor.protocol.limits import Between, Length, Pattern, Shaped
from supervisor.protocol.queue import Mode
from supervisor.protocol.times import DAY_OR_TIME

SESSION_ID = r"^[A-Za-z0-9._-]{1,64}$"
"""Regular expression of a session id."""

NOT_BLANK = r"\S"
"""Regular expression of a text that is not blank: a blank prompt would be a paid turn about nothing."""

TOPIC = r"^(sessions|costs|approvals|agents|(session|user):.+)$"
"""Regular expression of a topic."""

RequestId = Annotated[str, Length(0, 64)]
ExternalId = Annotated[str, Length(1, 128)]
AnySessionId = Annotated[str, Pattern(SESSION_ID)]
Text = Annotated[str, Length(1, 1_000_000), Pattern(NOT_BLANK)]
Name = Annotated[str, Length(1, 256)]
Topic = Annotated[str, Length(1, 300), Shaped(TOPIC)]
GroupBy = Literal["user", "session", "day", "channel", "model", "project"]


def _wire_name(name: str) -> str:
    """Return the name of a field on the wire: `from_` is "from", which is a keyword of Python."""
    return name.rstrip("_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Base class: any request may have a `request_id`; every answer to it has the same `request_id`."""

    request_id: RequestId | None = None

    __pydantic_config__: ClassVar[dict[str, Any]] = {"alias_generator": _wire_name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth(Request):
    """Authenticates the connection. Without it, or an `Authorization` header, other messages are refused.

    Attributes:
        notices: whether notices about texts and mails ("next in line") go to this connection, as further
            `send_*_response`. A client that takes the first one for the answer leaves it false.
    """

    token: str = field(repr=False)
    notices: bool = False
    type: Literal["auth"] = "auth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping(Request):
    """Asks for a `pong`."""

    type: Literal["ping"] = "ping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Request):
    """A message without a session: routed by keywords, like a text message."""

    user_id: Name
    message: Text
    thread: Annotated[str, Length(1, 256)] | None = None
    external_id: ExternalId | None = None
    type: Literal["message"] = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeConnect(Request):
    """Creates a session, resumes it, or attaches to it."""

    session_id: AnySessionId
    project_path: Annotated[str, Length(1, 4096)]
    user_id: Name
    type: Literal["claude_code_connect"] = "claude_code_connect"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeMessage(Request):
    """A prompt for a session. `mode` says how it enters the queue during a turn; null = the mode of `[queue]`."""

    session_id: AnySessionId
    message: Text
    context: dict[str, Any] | None = None
    external_id: ExternalId | None = None
    mode: Mode | None = None
    type: Literal["claude_code_message"] = "claude_code_message"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeDisconnect(Request):
    """Ends a session. It stays ended until `claude_code_connect`."""

    session_id: AnySessionId
    type: Literal["claude_code_disconnect"] = "claude_code_disconnect"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeInterrupt(Request):
    """Stops the running turn of a session."""

    session_id: AnySessionId
    type: Literal["claude_code_interrupt"] = "claude_code_interrupt"


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSessionStatus(Request):
    """Asks for the status of one session."""

    session_id: AnySessionId
    type: Literal["get_session_status"] = "get_session_status"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSessions(Request):
    """Asks for the sessions of one user, or for all sessions that the token may see."""

    user_id: Name | None = None
    active_only: bool = True
    limit: Annotated[int, Between(1, 500)] = 500
    type: Literal["list_sessions"] = "list_sessions"


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCost(Request):
    """Asks for the costs. `since` and `until` are UTC days or RFC 3339 times; `until` is excluded."""

    user_id: Name | None = None
    session_id: AnySessionId | None = None
    since: Annotated[str, Length(10, 40), Shaped(DAY_OR_TIME)] | None = None
    until: Annotated[str, Length(10, 40), Shaped(DAY_OR_TIME)] | None = None
    group_by: GroupBy | None = None
    limit: Annotated[int, Between(1, 500)] = 500
    type: Literal["get_cost"] = "get_cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class GetHistory(Request):
    """Asks for messages of a session: the newest `limit` of them before the message `before`, oldest first."""

    session_id: AnySessionId
    limit: Annotated[int, Between(1, 500)] = 50
    before: Annotated[str, Length(1, 64)] | None = None
    type: Literal["get_history"] = "get_history"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsReceived(Request):
    """A text message that an outside webhook server received. The answer goes back on this socket."""

    from_: Annotated[str, Length(1, 64)]
    to: Annotated[str, Length(1, 64)]
    message: Text
    user: Name
    external_id: ExternalId | None = None
    type: Literal["sms_received"] = "sms_received"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailReceived(Request):
    """A mail that an outside webhook server received. The answer goes back on this socket."""

    from_: Annotated[str, Length(1, 320)]
    to: Annotated[str, Length(1, 320)]
    subject: Annotated[str, Length(0, 1000)]
    body: Text
    user: Name
    external_id: ExternalId | None = None
    in_reply_to: Annotated[str, Length(0, 1000)] | None = None
    type: Literal["email_received"] = "email_received"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe(Request):
    """Subscribes to topics: `session:<id>`, `user:<id>`, `sessions`, `costs`, `approvals`, `agents`."""

    topics: Annotated[list[Topic], Length(0, 100)]
    type: Literal["subscribe"] = "subscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe(Request):
    """Unsubscribes from topics."""

    topics: Annotated[list[Topic], Length(0, 100)]
    type: Literal["unsubscribe"] = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveApproval(Request):
    """Allows or denies a tool call that waits for approval."""

    approval_id: Name
    decision: Literal["allow", "deny"]
    note: Annotated[str, Length(0, 1000)] | None = None
    type: Literal["resolve_approval"] = "resolve_approval"


AnyRequest = (
    Auth
    | Ping
    | Message
    | ClaudeCodeConnect
    | ClaudeCodeMessage
    | ClaudeCodeDisconnect
    | ClaudeCodeInterrupt
    | GetSessionStatus
    | ListSessions
    | GetCost
    | GetHistory
    | SmsReceived
    | EmailReceived
    | Subscribe
    | Unsubscribe
    | ResolveApproval
)
