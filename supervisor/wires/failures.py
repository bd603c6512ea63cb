"""Errors as HTTP answers: the status of each code, and a body with the error and its remedy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from starlette.responses import JSONResponse

from supervisor.protocol.errors import InvalidMessage, TurnFailed, XswarmError
from supervisor.protocol.requests import NOT_BLANK

STATUS = {
    "not_authenticated": 401,
    "budget_exceeded": 402,
    "project_not_allowed": 403,
    "not_allowed": 403,
    "fresh_check_needed": 403,
    "session_not_found": 404,
    "user_not_found": 404,
    "token_not_found": 404,
    "message_not_found": 404,
    "conversation_not_found": 404,
    "node_not_found": 404,
    "nothing_to_undo": 404,
    "approval_not_found": 404,
    "sign_in_not_found": 404,
    "not_found": 404,
    "method_not_allowed": 405,
    "too_slow": 408,
    "session_not_active": 409,
    "approval_closed": 409,
    "message_not_waiting": 409,
    "message_not_kept": 409,
    "undo_conflict": 409,
    "undo_refused": 409,
    "undo_not_recorded": 409,
    "undo_overlapped": 409,
    "undo_busy": 409,
    "undo_too_old": 409,
    "max_sessions": 409,
    "idempotency_conflict": 409,
    "too_large": 413,
    "invalid_message": 422,
    "rate_limited": 429,
    "unsupported": 501,
    "connection_failed": 502,
    "turn_failed": 502,
    "overloaded": 503,
    "storage": 503,
    "node_unreachable": 503,
    "unavailable": 503,
    "config_error": 500,
    "internal": 500,
}
"""The HTTP status of every code that a wire sends (docs/protocol.md)."""

CODES = tuple(sorted(STATUS))
"""All codes of the HTTP API."""

SOCKET_CODES = tuple(
    code
    for code in CODES
    if code
    not in (
        "not_found",
        "method_not_allowed",
        "too_slow",
        "too_large",
        "token_not_found",
        "conversation_not_found",
        "node_not_found",
        "fresh_check_needed",
        "sign_in_not_found",
    )
)
"""All codes of the socket."""

REMEDIES = {
    "not_authenticated": "send the header `Authorization: Bearer TOKEN`; `xswarm token create` makes a token",
    "session_not_found": "GET /api/claude-code/sessions lists the sessions",
    "session_not_active": (
        "POST /api/claude-code/sessions begins another session; claude_code_connect on the socket resumes this one"
    ),
    "max_sessions": "end one by DELETE /api/claude-code/sessions/{session_id}, or raise claude_code.max_sessions",
    "token_not_found": "GET /api/admin/tokens lists the tokens",
    "approval_not_found": "GET /api/approvals lists the open questions",
    "message_not_waiting": "POST /api/claude-code/sessions/{session_id}/interrupt stops a running turn",
}
"""What a client of HTTP can do; elsewhere the remedy of the error itself is told."""


class BodyTooLarge(XswarmError):
    """A request whose body exceeds the size limit."""

    code = "too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"The body is larger than {self.limit} bytes"


class BodyTooSlow(XswarmError):
    """A request whose body did not arrive in time."""

    code = "too_slow"

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds

    def __str__(self) -> str:
        return f"The body did not arrive within {self.seconds:g} seconds"


class ShuttingDown(XswarmError):
    """A request that arrived while the daemon was stopping."""

    code = "unavailable"
    retry_after = 5.0

    def __str__(self) -> str:
        return "The daemon is shutting down"


class NoSuchPath(XswarmError):
    """A request for a path that does not exist."""

    code = "not_found"
    remedy = "/openapi.json lists what there is"

    def __str__(self) -> str:
        return "No such path"


class MethodNotAllowed(XswarmError):
    """A request with a method that its path does not support."""

    code = "method_not_allowed"
    remedy = "/openapi.json lists what there is"

    def __init__(self, allow: str = "") -> None:
        super().__init__(allow)
        self.allow = allow

    def __str__(self) -> str:
        return "No such method on this path"


class NotJson(XswarmError):
    """A body that is not JSON."""

    code = "invalid_message"

    def __init__(self, where: str = "") -> None:
        super().__init__(where)
        self.where = where

    def __str__(self) -> str:
        return f"body: must be JSON{self.where}"


def status_of(error: XswarmError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, NotJson):
        return 400
    if isinstance(error, TurnFailed) and error.timed_out:
        return 504
    return STATUS.get(error.code, 500)


def failure(error: XswarmError) -> JSONResponse:
    """Return the answer to a request that failed or was refused."""
    body: dict[str, Any] = {"error": str(error), "code": error.code}
    headers: dict[str, str] = {}
    if remedy := REMEDIES.get(error.code, error.remedy):
        body["remedy"] = remedy
    if error.retry_after is not None:
        body["retry_after"] = error.retry_after
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    status = status_of(error)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, MethodNotAllowed) and error.allow:
        headers["Allow"] = error.allow
    if isinstance(error, BodyTooLarge | BodyTooSlow | ShuttingDown):
        headers["Connection"] = "close"  # the rest of this connection is not read
    return JSONResponse(body, status, headers)


def invalid(problems: Sequence[Any]) -> XswarmError:
    """Return the first error of pydantic as an error that names the field and what it must be."""
    first = problems[0]
    if first["type"] == "json_invalid":
        return NotJson(f": {first.get('ctx', {}).get('error', 'it is broken')}")
    location = [str(part) for part in first["loc"]]
    field = ".".join(location[1:]) or location[0]
    if location == ["body"]:
        return InvalidMessage("body", "must be a JSON object, sent as application/json")
    if first["type"] == "missing":
        return InvalidMessage(field, "field required")
    if first.get("ctx", {}).get("pattern") == NOT_BLANK:
        return InvalidMessage(field, "must not be blank")
    text = str(first["msg"]).removeprefix("Value error, ")
    return InvalidMessage(field, text[:1].lower() + text[1:])
