"""The events of the supervisor, compared with the tables of the protocol."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import get_args

from supervisor.protocol.events import (
    OMIT,
    PROTOCOL_VERSION,
    AuthResult,
    ClaudeCodeConnected,
    CostRow,
    Error,
    Event,
    HistoryMessage,
    Omit,
    SessionStatusEvent,
    SessionStatusReport,
    SocketEvent,
)
from tests.supervisor.protocol.wire_table import EVENTS, rows


def names(kind: type) -> set[str]:
    """Return the fields of an event; those of every event are not named."""
    of_all = {item.name for item in fields(Event)}
    return {
        item.name + ("?" if item.default is OMIT else "")
        for item in fields(kind)
        if item.name != "type" and (item.name not in of_all or item.default is not OMIT)
    }


def test_the_types_and_fields_are_those_of_the_protocol() -> None:
    found = {
        str(next(item.default for item in fields(kind) if item.name == "type")): names(kind)
        for kind in get_args(SocketEvent)
    }
    assert found == rows(EVENTS)


def test_every_event_may_carry_the_request_id_of_what_it_answers_and_leaves_it_out_otherwise() -> None:
    for kind in get_args(SocketEvent):
        default = {item.name: item.default for item in fields(kind)}["request_id"]
        assert default is OMIT


def test_a_field_that_may_be_left_out_is_none_of_those_that_may_be_null() -> None:
    for kind in get_args(SocketEvent):
        for item in fields(kind):
            assert item.default is MISSING or item.default is not None


def test_the_items_of_lists_are_those_of_the_protocol() -> None:
    assert names(CostRow) == {"key", "cost_usd", "message_count", "input_tokens", "output_tokens"}
    assert names(HistoryMessage) == set(
        "id direction message timestamp cost_usd status context user_id reply_to".split()
    )
    assert names(SessionStatusReport) == names(SessionStatusEvent)


def test_an_answer_to_auth_says_which_protocol_is_spoken() -> None:
    assert AuthResult(success=True, message="Authenticated successfully", server="xswarm").protocol == 1
    assert PROTOCOL_VERSION == 1


def test_a_connected_session_has_that_status() -> None:
    assert ClaudeCodeConnected(session_id="s1", timestamp="t", resumed=False).status == "connected"


def test_an_error_omits_unknown_fields() -> None:
    error = Error(message="Not authenticated", code="not_authenticated")
    assert error.session_id is error.retry_after is error.request_id is OMIT
    assert list(Omit) == [OMIT]
