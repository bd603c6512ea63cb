"""All errors that users, services, operators or channels can see, with their wire codes.

::

    XswarmError                     code, sentence, remedy; base of the errors on the wire
    ├── ConfigError                 config_error
    ├── StorageError                storage
    ├── NotAuthenticated            not_authenticated
    ├── InvalidMessage              invalid_message
    ├── SessionNotFound             session_not_found
    ├── SessionNotActive            session_not_active
    ├── MaxSessions                 max_sessions
    ├── UserNotFound                user_not_found
    ├── TokenNotFound               token_not_found
    ├── MessageNotFound             message_not_found
    ├── ApprovalNotFound            approval_not_found
    ├── ApprovalClosed              approval_closed
    ├── ProjectNotAllowed           project_not_allowed
    ├── NotAllowed                  not_allowed
    ├── ConnectionFailed            connection_failed
    ├── TurnFailed                  turn_failed
    ├── RateLimited                 rate_limited
    ├── BudgetExceeded              budget_exceeded
    ├── Unsupported                 unsupported
    ├── Overloaded                  overloaded
    ├── IdempotencyConflict         idempotency_conflict
    └── InternalError               internal
    DeliveryFailure                 raised by channels to the core, never on the wire
    ├── TemporaryFailure            certainly not sent; the core retries it
    ├── PermanentFailure            certainly not sent; the core does not retry it
    └── OutcomeUnknown              may have been sent; the core reconciles it before a retry
"""

from __future__ import annotations


class XswarmError(Exception):
    """Base class of all errors with a wire code. `str(error)` is the message on the wire.

    Attributes:
        code: the wire code (docs/protocol.md, Errors).
        remedy: one sentence that says what to do; empty = the message says enough.
        retry_after: seconds after which a retry makes sense; None = not known.
    """

    code = "internal"
    remedy = ""
    retry_after: float | None = None


class ConfigError(XswarmError):
    """The configuration is invalid.

    Attributes:
        key: a key of config.toml or an environment variable; empty = none in particular.
        problem: what the value must be.
    """

    code = "config_error"

    def __init__(self, key: str, problem: str, remedy: str = "") -> None:
        super().__init__(key, problem)
        self.key = key
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}" if self.key else self.problem


class StorageError(XswarmError):
    """The database refused a read or write, so nothing was accepted; it `lasts` where it does not pass by itself."""

    code = "storage"
    remedy = "`xswarm doctor` checks disk and database; the message was not accepted and may be sent again"

    def __init__(self, why: str, remedy: str = "", *, lasts: bool = False) -> None:
        super().__init__(why)
        self.why, self.lasts = why, lasts
        if remedy:
            self.remedy = remedy

    def __str__(self) -> str:
        return f"Storage failed: {self.why}"


class NotAuthenticated(XswarmError):
    """The caller has sent no valid token."""

    code = "not_authenticated"
    remedy = "send a valid token; `xswarm token create` makes one"

    def __str__(self) -> str:
        return "Not authenticated"


class InvalidMessage(XswarmError):
    """A field of a message does not follow the protocol; an empty `field` stands for the message as a whole."""

    code = "invalid_message"

    def __init__(self, field: str, must: str) -> None:
        super().__init__(field, must)
        self.field = field
        self.must = must

    def __str__(self) -> str:
        return f"{self.field}: {self.must}" if self.field else self.must


class SessionNotFound(XswarmError):
    """There is no session with this id, or it belongs to another user."""

    code = "session_not_found"
    remedy = "`xswarm claude status --all` lists the sessions"

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"Session not found: {self.session_id}"


class SessionNotActive(XswarmError):
    """The session was ended on purpose, or given up after failures. Only `claude_code_connect` starts it again."""

    code = "session_not_active"
    remedy = "connect it again with claude_code_connect"

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"Session is not active: {self.session_id}"


class MaxSessions(XswarmError):
    """The limit of sessions is reached."""

    code = "max_sessions"
    remedy = "end one with `xswarm claude stop`, or raise claude_code.max_sessions"

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"Maximum number of sessions ({self.limit}) reached"


class UserNotFound(XswarmError):
    """There is no user with this id."""

    code = "user_not_found"
    remedy = "`xswarm user add` adds one"

    def __init__(self, user_id: str) -> None:
        super().__init__(user_id)
        self.user_id = user_id

    def __str__(self) -> str:
        return f"User not found: {self.user_id}"


class TokenNotFound(XswarmError):
    """There is no token with this id."""

    code = "token_not_found"
    remedy = "`xswarm token list` lists the tokens"

    def __init__(self, token_id: str) -> None:
        super().__init__(token_id)
        self.token_id = token_id

    def __str__(self) -> str:
        return f"Token not found: {self.token_id}"


class MessageNotFound(XswarmError):
    """There is no message with this id, or it belongs to another user."""

    code = "message_not_found"

    def __init__(self, message_id: str) -> None:
        super().__init__(message_id)
        self.message_id = message_id

    def __str__(self) -> str:
        return f"Message not found: {self.message_id}"


class ApprovalNotFound(XswarmError):
    """There is no approval with this code or id that the caller may decide."""

    code = "approval_not_found"
    remedy = "`xswarm claude approvals` lists what waits"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"Approval not found: {self.name}"


class ApprovalClosed(XswarmError):
    """The approval is already decided or has expired."""

    code = "approval_closed"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return self.why


class ProjectNotAllowed(XswarmError):
    """The path is in none of the user's projects."""

    code = "project_not_allowed"
    remedy = "name one of the user's projects, or add the project in config.toml"

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"Project not allowed: {self.path}"


class NotAllowed(XswarmError):
    """The caller is authenticated and has no permission for this."""

    code = "not_allowed"

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"Not allowed: {self.what}"


class ConnectionFailed(XswarmError):
    """Claude Code could not be started or reached."""

    code = "connection_failed"

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return f"Failed to connect to Claude Code: {self.why}"


class TurnFailed(XswarmError):
    """A turn ended without an answer."""

    code = "turn_failed"

    def __init__(self, why: str, *, who: str = "Claude Code", timed_out: bool = False, remedy: str = "") -> None:
        super().__init__(why)
        self.who, self.why = who, why
        self.timed_out = timed_out
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.who} failed: {self.why}"


class RateLimited(XswarmError):
    """One user has sent too many messages."""

    code = "rate_limited"

    def __init__(self, retry_after: float) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return "Rate limit exceeded"


class BudgetExceeded(XswarmError):
    """A budget is exceeded.

    Args:
        scope: the budget, e.g. `user ada`.
        day: UTC day of a daily budget, as days since 1970-01-01; 0 = it is not daily.
        held_usd: what is set aside for running turns and the refused one; 0 = what is spent reaches the limit.
    """

    code = "budget_exceeded"
    remedy = (
        "an administrator raises the limit: by ADD with the code that they were sent, or below [budgets] in config.toml"
    )

    def __init__(self, scope: str, spent_usd: float, limit_usd: float, day: int = 0, held_usd: float = 0.0) -> None:
        super().__init__(scope, spent_usd, limit_usd, day, held_usd)
        self.scope = scope
        self.spent_usd = spent_usd
        self.limit_usd = limit_usd
        self.day, self.held_usd = day, held_usd

    def __str__(self) -> str:
        text = f"Budget exceeded: {self.scope} spent ${self.spent_usd:.2f} of ${self.limit_usd:.2f}"
        return f"{text}, and ${self.held_usd:.2f} is set aside for messages" if self.held_usd else text


class Unsupported(XswarmError):
    """This version does not implement the message."""

    code = "unsupported"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"Not supported yet: {self.what}"


class Overloaded(XswarmError):
    """Too many messages are queued."""

    code = "overloaded"

    def __init__(self, retry_after: float = 5.0) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return "Too many messages waiting"


class IdempotencyConflict(XswarmError):
    """An idempotency key came again with another body."""

    code = "idempotency_conflict"
    remedy = "use a new key for a new message"

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"Already used for another message: {self.key}"


class InternalError(XswarmError):
    """An unexpected error. The log has the details under the reference; the wire has only the reference."""

    code = "internal"

    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference

    def __str__(self) -> str:
        return f"Internal error ({self.reference})"


class DeliveryFailure(Exception):
    """Base class of the errors of `Channel.send` and `Channel.reconcile`; `why` is a sentence for log and record."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return self.why


class TemporaryFailure(DeliveryFailure):
    """The reply was certainly not sent, and a retry may succeed.

    Args:
        retry_after: seconds that the provider asks to wait; None = the core's own back-off.
        parked: the recipient has opted out: wait for a message of the recipient, and do not count this attempt.
    """

    def __init__(self, why: str, *, retry_after: float | None = None, parked: bool = False) -> None:
        super().__init__(why)
        self.retry_after = retry_after
        self.parked = parked


class PermanentFailure(DeliveryFailure):
    """The reply was certainly not sent, and no retry can succeed."""


class OutcomeUnknown(DeliveryFailure):
    """The reply may have been sent. The core calls `Channel.reconcile` before a retry."""
