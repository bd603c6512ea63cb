"""The requests of clients, as the wires parse them."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Annotated, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from supervisor.protocol.requests import (
    AnyRequest,
    ClaudeCodeMessage,
    EmailReceived,
    GetHistory,
    ListSessions,
    SmsReceived,
)
from tests.supervisor.protocol.wire_table import REQUESTS, rows

ADAPTER: TypeAdapter[Any] = TypeAdapter(Annotated[AnyRequest, Field(discriminator="type")])

FILLED = {
    "token": "t",
    "user_id": "ada",
    "message": "hi",
    "session_id": "s1",
    "project_path": "/srv/site",
    "from": "+1",
    "to": "+2",
    "user": "ada",
    "subject": "",
    "body": "hi",
    "topics": ["sessions"],
    "approval_id": "a1",
    "decision": "allow",
}


def filled(kind: str) -> dict[str, Any]:
    """Return a message with the fields that it must have, and no other."""
    return {"type": kind} | {name: FILLED[name] for name in rows(REQUESTS)[kind] if not name.endswith("?")}


def type_of(kind: type) -> str:
    return str(next(item.default for item in fields(kind) if item.name == "type"))


def test_the_types_and_fields_are_those_of_the_protocol() -> None:
    found = {
        type_of(kind): {
            item.name.rstrip("_") + ("?" if item.default is not MISSING else "")
            for item in fields(kind)
            if item.name not in ("type", "request_id")
        }
        for kind in get_args(AnyRequest)
    }
    assert found == rows(REQUESTS)


@pytest.mark.parametrize("kind", sorted(rows(REQUESTS)))
def test_a_message_with_its_required_fields_alone_is_taken(kind: str) -> None:
    parsed = ADAPTER.validate_python(filled(kind))
    assert (parsed.type, parsed.request_id) == (kind, None)


@pytest.mark.parametrize("kind", sorted(rows(REQUESTS)))
def test_any_message_may_carry_a_request_id_and_unknown_fields(kind: str) -> None:
    assert ADAPTER.validate_python(filled(kind) | {"request_id": "r" * 64, "new_field": 1}).request_id == "r" * 64
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(filled(kind) | {"request_id": "r" * 65})


@pytest.mark.parametrize(
    ("kind", "name"), [(k, n) for k in sorted(rows(REQUESTS)) for n in sorted(filled(k)) if n != "type"]
)
def test_a_message_without_a_required_field_names_it(kind: str, name: str) -> None:
    message = filled(kind)
    del message[name]
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(message)
    (error,) = caught.value.errors()
    assert error["loc"] == (kind, name)


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("claude_code_connect", {"session_id": ""}),
        ("claude_code_connect", {"session_id": "a b"}),
        ("claude_code_connect", {"session_id": "s" * 65}),
        ("claude_code_connect", {"session_id": "../etc"}),
        ("claude_code_connect", {"session_id": "s1\n"}),
        ("claude_code_connect", {"session_id": 7}),
        ("claude_code_connect", {"project_path": ""}),
        ("claude_code_message", {"message": ""}),
        ("claude_code_message", {"context": []}),
        ("claude_code_message", {"context": "x"}),
        ("claude_code_message", {"external_id": ""}),
        ("claude_code_message", {"external_id": "e" * 129}),
        ("message", {"user_id": ""}),
        ("message", {"message": None}),
        ("list_sessions", {"limit": 0}),
        ("list_sessions", {"limit": 501}),
        ("list_sessions", {"active_only": "maybe"}),
        ("get_history", {"limit": 501}),
        ("get_cost", {"group_by": "moon"}),
        ("subscribe", {"topics": "sessions"}),
        ("subscribe", {"topics": ["t"] * 101}),
        ("resolve_approval", {"decision": "maybe"}),
    ],
)
def test_an_invalid_field_is_named(kind: str, field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(filled(kind) | field)
    assert caught.value.errors()[0]["loc"][:2] == (kind, next(iter(field)))


def test_the_longest_values_are_valid() -> None:
    message = filled("claude_code_message") | {"session_id": "s" * 64, "external_id": "e" * 128, "message": "x" * 10**6}
    assert ADAPTER.validate_python(message).session_id == "s" * 64


def test_a_sender_stands_under_from_on_the_wire() -> None:
    sms = ADAPTER.validate_python(filled("sms_received"))
    mail = ADAPTER.validate_python(filled("email_received"))
    assert isinstance(sms, SmsReceived)
    assert isinstance(mail, EmailReceived)
    assert (sms.from_, mail.from_) == ("+1", "+1")


def test_omitted_fields_have_their_defaults() -> None:
    assert ADAPTER.validate_python({"type": "list_sessions"}) == ListSessions(active_only=True)
    assert ADAPTER.validate_python(filled("get_history")) == GetHistory(session_id="s1", limit=50)
    nothing = filled("claude_code_message") | {"context": None, "external_id": None}
    assert ADAPTER.validate_python(nothing) == ClaudeCodeMessage(session_id="s1", message="hi")


@pytest.mark.parametrize("message", [{}, {"type": None}, {"type": "AUTH"}, {"type": "pong"}, [], "auth", None, 7])
def test_a_frame_that_is_not_a_message_is_refused(message: object) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(message)


@given(st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True))
def test_every_id_of_the_protocols_alphabet_is_a_session_id(session_id: str) -> None:
    message = {"type": "get_session_status", "session_id": session_id}
    assert ADAPTER.validate_python(message).session_id == session_id
