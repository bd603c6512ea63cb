"""Each error as an HTTP answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from supervisor.protocol import errors
from supervisor.wires import failures

TABLE: list[tuple[errors.XswarmError, int, str]] = [
    (errors.NotAuthenticated(), 401, "Not authenticated"),
    (errors.BudgetExceeded("user", 1.0, 2.0), 402, "Budget exceeded: user spent $1.00 of $2.00"),
    (errors.ProjectNotAllowed("/x"), 403, "Project not allowed: /x"),
    (errors.NotAllowed("this"), 403, "Not allowed: this"),
    (errors.SessionNotFound("s"), 404, "Session not found: s"),
    (errors.UserNotFound("u"), 404, "User not found: u"),
    (errors.TokenNotFound("7"), 404, "Token not found: 7"),
    (errors.ApprovalNotFound("KXQPT"), 404, "Approval not found: KXQPT"),
    (errors.ApprovalClosed("KXQPT has expired"), 409, "KXQPT has expired"),
    (errors.MessageNotFound("m"), 404, "Message not found: m"),
    (failures.NoSuchPath(), 404, "No such path"),
    (failures.MethodNotAllowed("GET"), 405, "No such method on this path"),
    (failures.BodyTooSlow(30.0), 408, "The body did not arrive within 30 seconds"),
    (errors.SessionNotActive("s"), 409, "Session is not active: s"),
    (errors.MaxSessions(2), 409, "Maximum number of sessions (2) reached"),
    (errors.IdempotencyConflict("k"), 409, "Already used for another message: k"),
    (failures.BodyTooLarge(9), 413, "The body is larger than 9 bytes"),
    (failures.NotJson(), 400, "body: must be JSON"),
    (errors.InvalidMessage("message", "field required"), 422, "message: field required"),
    (errors.RateLimited(2.5), 429, "Rate limit exceeded"),
    (errors.Unsupported("this"), 501, "Not supported yet: this"),
    (errors.ConnectionFailed("no"), 502, "Failed to connect to Claude Code: no"),
    (errors.TurnFailed("no"), 502, "Claude Code failed: no"),
    (errors.TurnFailed("late", timed_out=True), 504, "Claude Code failed: late"),
    (errors.Overloaded(), 503, "Too many messages waiting"),
    (errors.StorageError("disk full"), 503, "Storage failed: disk full"),
    (failures.ShuttingDown(), 503, "The daemon is shutting down"),
    (errors.InternalError("ab12"), 500, "Internal error (ab12)"),
    (errors.ConfigError("key", "wrong"), 500, "key: wrong"),
]


@pytest.mark.parametrize(("error", "status", "text"), TABLE, ids=lambda value: type(value).__name__)
def test_error_has_its_status_code_and_text(error: errors.XswarmError, status: int, text: str) -> None:
    response = failures.failure(error)
    body = json.loads(bytes(response.body))
    assert response.status_code == status
    assert (body["error"], body["code"]) == (text, error.code)
    assert body.get("remedy", "") == failures.REMEDIES.get(error.code, error.remedy)


def test_every_error_of_the_protocol_is_in_the_table() -> None:
    ours = {kind for kind in errors.XswarmError.__subclasses__() if kind.__module__ == errors.__name__}
    assert ours <= {type(error) for error, _, _ in TABLE}


def test_who_is_told_to_wait_is_told_how_long() -> None:
    response = failures.failure(errors.RateLimited(2.5))
    assert response.headers["retry-after"] == "3"
    assert json.loads(bytes(response.body))["retry_after"] == 2.5
    assert failures.failure(errors.RateLimited(0.1)).headers["retry-after"] == "1"


def test_headers_say_what_the_standard_asks_for() -> None:
    assert failures.failure(errors.NotAuthenticated()).headers["www-authenticate"] == "Bearer"
    assert failures.failure(failures.MethodNotAllowed("GET, PUT")).headers["allow"] == "GET, PUT"
    assert failures.failure(failures.BodyTooLarge(1)).headers["connection"] == "close"


@pytest.mark.parametrize(
    ("problem", "text", "status"),
    [
        ({"type": "missing", "loc": ("body", "message"), "msg": "Field required"}, "message: field required", 422),
        ({"type": "x", "loc": ("query", "limit"), "msg": "Input should be less"}, "limit: input should be less", 422),
        ({"type": "x", "loc": ("body", "phones", 0), "msg": "Value error, must"}, "phones.0: must", 422),
        ({"type": "x", "loc": ("body",), "msg": "?"}, "body: must be a JSON object, sent as application/json", 422),
        (
            {"type": "json_invalid", "loc": ("body", 1), "msg": "?", "ctx": {"error": "Expecting value"}},
            "body: must be JSON: Expecting value",
            400,
        ),
    ],
)
def test_what_pydantic_finds_names_the_field(problem: dict[str, Any], text: str, status: int) -> None:
    error = failures.invalid([problem])
    assert (str(error), failures.status_of(error), error.code) == (text, status, "invalid_message")
