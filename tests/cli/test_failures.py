"""Each error has an exit code and a sentence."""

from __future__ import annotations

import pytest

from cli.failures import ExitCode, Mistake, Refused, Unreachable, exit_code, sentence
from supervisor.protocol.errors import (
    ConfigError,
    NotAllowed,
    NotAuthenticated,
    ProjectNotAllowed,
    SessionNotFound,
    StorageError,
    UserNotFound,
    XswarmError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("http.port", "must be 0 to 65535"), 1),
        (StorageError("disk full"), 1),
        (Refused("Claude Code failed: no", "turn_failed"), 1),
        (Mistake("--by must be a word"), 2),
        (Refused("user_id: too long", "invalid_message"), 2),
        (Unreachable("connection refused"), 3),
        (SessionNotFound("x"), 4),
        (UserNotFound("x"), 4),
        (Refused("Token not found: 3", "token_not_found"), 4),
        (NotAuthenticated(), 5),
        (NotAllowed("that"), 5),
        (ProjectNotAllowed("/etc"), 5),
    ],
)
def test_every_error_has_its_exit_code(error: XswarmError, code: int) -> None:
    assert exit_code(error) == ExitCode(code)


def test_sentence_says_what_happened_and_what_to_do() -> None:
    assert sentence(Unreachable("connection refused")) == (
        "Error: The daemon cannot be reached: connection refused\nTo do: start it with `xswarm serve`"
    )


def test_error_from_the_wire_gets_the_remedy_of_its_code() -> None:
    assert "xswarm user add" in sentence(Refused("User not found: bob", "user_not_found"))
    assert "claude connect" in sentence(Refused("Session is not active: s", "session_not_active"))


def test_remedy_of_the_daemon_comes_first() -> None:
    assert sentence(Refused("no", "user_not_found", "ask bob")) == "Error: no\nTo do: ask bob"


def test_time_to_wait_is_said() -> None:
    assert "Try again in 5 s." in sentence(Refused("Too many messages waiting", "overloaded", retry_after=5.0))


def test_sentence_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in sentence(Refused("Claude Code failed: \x1b[31mred", "turn_failed"))


def test_a_remedy_that_names_a_request_of_http_is_replaced_by_a_command() -> None:
    refused = Refused("no", "approval_not_found", "GET /api/approvals lists the open questions")
    assert refused.remedy == "`xswarm claude approvals` lists what waits"
    refused = Refused("no", "message_not_waiting", "POST /api/claude-code/sessions/{session_id}/interrupt stops it")
    assert refused.remedy == "`xswarm claude interrupt` stops a running turn"
