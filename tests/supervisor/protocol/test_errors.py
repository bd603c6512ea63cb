"""Every error with its code, its exact message and its remedy."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Iterator

import pytest

from supervisor.protocol import errors
from supervisor.protocol.errors import (
    ApprovalClosed,
    ApprovalNotFound,
    BudgetExceeded,
    ConfigError,
    ConnectionFailed,
    DeliveryFailure,
    IdempotencyConflict,
    InternalError,
    InvalidMessage,
    MaxSessions,
    MessageNotFound,
    NotAllowed,
    NotAuthenticated,
    OutcomeUnknown,
    Overloaded,
    PermanentFailure,
    ProjectNotAllowed,
    RateLimited,
    SessionNotActive,
    SessionNotFound,
    StorageError,
    TemporaryFailure,
    TokenNotFound,
    TurnFailed,
    Unsupported,
    UserNotFound,
    XswarmError,
)

SENTENCES: list[tuple[XswarmError, str, str]] = [
    (NotAuthenticated(), "not_authenticated", "Not authenticated"),
    (
        InvalidMessage("claude_code_connect.project_path", "field required"),
        "invalid_message",
        "claude_code_connect.project_path: field required",
    ),
    (InvalidMessage("", "must be an object"), "invalid_message", "must be an object"),
    (SessionNotFound("s1"), "session_not_found", "Session not found: s1"),
    (SessionNotActive("s1"), "session_not_active", "Session is not active: s1"),
    (MaxSessions(10), "max_sessions", "Maximum number of sessions (10) reached"),
    (UserNotFound("ada"), "user_not_found", "User not found: ada"),
    (TokenNotFound("7"), "token_not_found", "Token not found: 7"),
    (MessageNotFound("m1"), "message_not_found", "Message not found: m1"),
    (ApprovalNotFound("KXQPT"), "approval_not_found", "Approval not found: KXQPT"),
    (ApprovalClosed("KXQPT has expired"), "approval_closed", "KXQPT has expired"),
    (ProjectNotAllowed("/etc"), "project_not_allowed", "Project not allowed: /etc"),
    (ConnectionFailed("no CLI"), "connection_failed", "Failed to connect to Claude Code: no CLI"),
    (TurnFailed("it broke"), "turn_failed", "Claude Code failed: it broke"),
    (RateLimited(12.0), "rate_limited", "Rate limit exceeded"),
    (BudgetExceeded("user ada", 1.234, 1), "budget_exceeded", "Budget exceeded: user ada spent $1.23 of $1.00"),
    (Unsupported("approvals"), "unsupported", "Not supported yet: approvals"),
    (Overloaded(), "overloaded", "Too many messages waiting"),
    (InternalError("a1b2"), "internal", "Internal error (a1b2)"),
    (ConfigError("http.port", "must be 0 to 65535"), "config_error", "http.port: must be 0 to 65535"),
    (ConfigError("", "no such config file: x"), "config_error", "no such config file: x"),
    (StorageError("disk full"), "storage", "Storage failed: disk full"),
    (NotAllowed("acting for bob"), "not_allowed", "Not allowed: acting for bob"),
    (IdempotencyConflict("k1"), "idempotency_conflict", "Already used for another message: k1"),
]


def every_error() -> Iterator[type[BaseException]]:
    todo: list[type[BaseException]] = [XswarmError, DeliveryFailure]
    while todo:
        kind = todo.pop()
        yield kind
        todo += kind.__subclasses__()


@pytest.mark.parametrize(("error", "code", "sentence"), SENTENCES, ids=[code for _, code, _ in SENTENCES])
def test_an_error_has_the_code_and_the_sentence_of_the_protocol(error: XswarmError, code: str, sentence: str) -> None:
    assert (error.code, str(error)) == (code, sentence)


def test_every_error_is_in_this_table() -> None:
    ours = {kind for kind in every_error() if issubclass(kind, XswarmError) and kind.__module__ == errors.__name__}
    assert ours - {XswarmError} == {type(error) for error, _, _ in SENTENCES}


def test_no_two_errors_share_a_code() -> None:
    kinds = {type(error): error.code for error, _, _ in SENTENCES}
    assert len(set(kinds.values())) == len(kinds)


def test_the_tree_in_the_docstring_is_the_tree_of_the_code() -> None:
    assert errors.__doc__ is not None
    listed = re.findall(r"[├└]── (\w+) ", errors.__doc__)
    named = {"XswarmError", "DeliveryFailure", *listed}
    assert named == {kind.__name__ for kind in every_error() if kind.__module__ == errors.__name__}
    codes = dict(re.findall(r"[├└]── (\w+) +([a-z_]+)$", errors.__doc__, re.MULTILINE))
    assert codes == {type(error).__name__: error.code for error, _, _ in SENTENCES}


def test_errors_that_can_be_retried_say_when() -> None:
    assert {type(e): e.retry_after for e, _, _ in SENTENCES if e.retry_after is not None} == {
        RateLimited: 12.0,
        Overloaded: 5.0,
    }


@pytest.mark.parametrize(
    "error",
    [NotAuthenticated(), SessionNotFound("x"), SessionNotActive("x"), MaxSessions(1), UserNotFound("x")],
    ids=lambda error: error.code,
)
def test_errors_that_a_user_can_fix_say_how(error: XswarmError) -> None:
    assert error.remedy


def test_a_remedy_of_its_own_goes_with_the_error() -> None:
    assert ConfigError("a", "b", "do this").remedy == "do this"
    assert NotAllowed("a", "do this").remedy == "do this"
    assert ConnectionFailed("a", "do this").remedy == "do this"
    assert ConfigError("a", "b").remedy == ""


def test_delivery_failures_keep_their_data() -> None:
    parked = TemporaryFailure("opted out", retry_after=60.0, parked=True)
    assert (str(parked), parked.why, parked.retry_after, parked.parked) == ("opted out", "opted out", 60.0, True)
    assert TemporaryFailure("busy").retry_after is None
    assert not TemporaryFailure("busy").parked
    assert not isinstance(PermanentFailure("no such number"), TemporaryFailure)
    assert str(OutcomeUnknown("timed out")) == "timed out"


def test_a_delivery_failure_never_reaches_the_wire() -> None:
    assert not [kind for kind in every_error() if issubclass(kind, DeliveryFailure) and issubclass(kind, XswarmError)]


@pytest.mark.parametrize("error", [error for error, _, _ in SENTENCES], ids=lambda error: error.code)
def test_an_error_without_options_survives_a_copy(error: XswarmError) -> None:
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(twin), str(twin)) == (type(error), str(error))
