"""Every error a user, a service or an operator can meet.

::

    XswarmError                     code, sentence, remedy
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
    DeliveryFailure                 raised by channels only
    ├── TemporaryFailure            certainly not sent; may be tried again
    ├── PermanentFailure            certainly not sent; never tried again
    └── OutcomeUnknown              may have been sent; reconcile before repeating
"""

from __future__ import annotations


class XswarmError(Exception):
    """Base of all errors with a wire code.

    Attributes:
        code: the wire code (protocol.md section 1, error texts and codes).
        remedy: one sentence that says what to do; empty where the sentence says it all.
        retry_after: seconds after which trying again makes sense, or None.
    """

    code = "internal"
    remedy = ""
    retry_after: float | None = None


class ConfigError(XswarmError):
    """A configuration that cannot be used: names the key and what it must be."""

    code = "config_error"

    def __init__(self, key: str, problem: str, remedy: str = "") -> None:
        super().__init__(key, problem)
        self.key = key
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}" if self.key else self.problem


class StorageError(XswarmError):
    """The database refused a write: nothing was accepted."""

    code = "storage"
    remedy = "free disk space under state.dir, or check the disk; the message was not accepted and may be sent again"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return f"Storage failed: {self.why}"


class NotAuthenticated(XswarmError):
    """Nobody known is speaking."""

    code = "not_authenticated"
    remedy = "send a valid token; `xswarm token create` makes one"

    def __str__(self) -> str:
        return "Not authenticated"


class InvalidMessage(XswarmError):
    """A message that does not fit the protocol; names the field and what it must be."""

    code = "invalid_message"

    def __init__(self, field: str, must: str) -> None:
        super().__init__(field, must)
        self.field = field
        self.must = must

    def __str__(self) -> str:
        return f"{self.field}: {self.must}" if self.field else self.must


class SessionNotFound(XswarmError):
    """No such session for this caller."""

    code = "session_not_found"
    remedy = "`xswarm claude status --all` lists the sessions"

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"Session not found: {self.session_id}"


class SessionNotActive(XswarmError):
    """The session was ended on purpose, or gave up."""

    code = "session_not_active"
    remedy = "connect it again with claude_code_connect"

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"Session is not active: {self.session_id}"


class MaxSessions(XswarmError):
    """No more sessions fit."""

    code = "max_sessions"
    remedy = "end one with `xswarm claude stop`, or raise claude_code.max_sessions"

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"Maximum number of sessions ({self.limit}) reached"


class UserNotFound(XswarmError):
    """No such user."""

    code = "user_not_found"
    remedy = "`xswarm user add` adds one"

    def __init__(self, user_id: str) -> None:
        super().__init__(user_id)
        self.user_id = user_id

    def __str__(self) -> str:
        return f"User not found: {self.user_id}"


class TokenNotFound(XswarmError):
    """No such token."""

    code = "token_not_found"
    remedy = "`xswarm token list` lists the tokens"

    def __init__(self, token_id: str) -> None:
        super().__init__(token_id)
        self.token_id = token_id

    def __str__(self) -> str:
        return f"Token not found: {self.token_id}"


class MessageNotFound(XswarmError):
    """No such message for this caller."""

    code = "message_not_found"

    def __init__(self, message_id: str) -> None:
        super().__init__(message_id)
        self.message_id = message_id

    def __str__(self) -> str:
        return f"Message not found: {self.message_id}"


class ApprovalNotFound(XswarmError):
    """No such question that this caller may answer."""

    code = "approval_not_found"
    remedy = "`xswarm claude approvals` lists what waits"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"Approval not found: {self.name}"


class ApprovalClosed(XswarmError):
    """A question that cannot be decided any more."""

    code = "approval_closed"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return self.why


class ProjectNotAllowed(XswarmError):
    """A path that is outside what this user may reach."""

    code = "project_not_allowed"
    remedy = "name one of the user's projects, or add the project in config.toml"

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"Project not allowed: {self.path}"


class NotAllowed(XswarmError):
    """The caller is known and may not do this."""

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
    """A turn that ended without an answer."""

    code = "turn_failed"

    def __init__(self, why: str, *, timed_out: bool = False, remedy: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.timed_out = timed_out
        self.remedy = remedy

    def __str__(self) -> str:
        return f"Claude Code failed: {self.why}"


class RateLimited(XswarmError):
    """Too many messages from one person."""

    code = "rate_limited"

    def __init__(self, retry_after: float) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return "Rate limit exceeded"


class BudgetExceeded(XswarmError):
    """A limit on spending is reached.

    Args:
        day: UTC day since 1970 that it is the limit of; 0 = of none.
    """

    code = "budget_exceeded"
    remedy = (
        "an administrator raises the limit: by ADD with the code that they were sent, or below [budgets] in config.toml"
    )

    def __init__(self, scope: str, spent_usd: float, limit_usd: float, day: int = 0) -> None:
        super().__init__(scope, spent_usd, limit_usd, day)
        self.scope = scope
        self.spent_usd = spent_usd
        self.limit_usd = limit_usd
        self.day = day

    def __str__(self) -> str:
        return f"Budget exceeded: {self.scope} spent ${self.spent_usd:.2f} of ${self.limit_usd:.2f}"


class Unsupported(XswarmError):
    """A message of the protocol that this version does not carry out."""

    code = "unsupported"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"Not supported yet: {self.what}"


class Overloaded(XswarmError):
    """More is waiting than can be worked off."""

    code = "overloaded"

    def __init__(self, retry_after: float = 5.0) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return "Too many messages waiting"


class IdempotencyConflict(XswarmError):
    """The same key came again with another body."""

    code = "idempotency_conflict"
    remedy = "use a new key for a new message"

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"Already used for another message: {self.key}"


class InternalError(XswarmError):
    """Something of ours broke; the details are in the log under the reference, never on the wire."""

    code = "internal"

    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference

    def __str__(self) -> str:
        return f"Internal error ({self.reference})"


class DeliveryFailure(Exception):
    """Base of what a channel may say about a send that did not succeed."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return self.why


class TemporaryFailure(DeliveryFailure):
    """Certainly not sent. Trying again later makes sense.

    Args:
        retry_after: seconds the provider asked us to wait, or None for our own back-off.
        parked: wait for the channel to say that the recipient is back, and count no attempt.
    """

    def __init__(self, why: str, *, retry_after: float | None = None, parked: bool = False) -> None:
        super().__init__(why)
        self.retry_after = retry_after
        self.parked = parked


class PermanentFailure(DeliveryFailure):
    """Certainly not sent, and never will be."""


class OutcomeUnknown(DeliveryFailure):
    """It may have been sent; ask the provider before repeating it."""
