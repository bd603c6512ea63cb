"""Stored records as the wire shows them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from supervisor.delivery import views
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.events import OMIT, CostRow, HistoryMessage
from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.status import SessionKind, SessionStatus
from supervisor.protocol.times import now_ms
from supervisor.store.ports.ledger import CostLine
from supervisor.store.records.result import StoredMessage
from supervisor.store.records.session import Session

SESSION = Session(
    id=SessionId("s1"),
    user_id=UserId("ada"),
    project=ProjectName("site"),
    project_path="/srv/site",
    conversation_id="c",
    thread="",
    status=SessionStatus.DISCONNECTED,
    end_reason="Idle timeout",
    started=True,
    cost_nanos=1_234_500_000,
    message_count=3,
    started_ms=1_000,
    ended_ms=3_500,
    activity_ms=2_000,
)

FIELDS = {
    "session_id": "s1",
    "user_id": "ada",
    "project_path": "/srv/site",
    "status": "disconnected",
    "cost_usd": 1.2345,
    "message_count": 3,
    "duration_seconds": 2,
    "started_at": "1970-01-01T00:00:01.000Z",
    "last_activity": "1970-01-01T00:00:02.000Z",
    "ended_at": "1970-01-01T00:00:03.500Z",
    "kind": "claude_code",
}


@pytest.mark.parametrize(
    ("view", "kind"),
    [
        (views.session_report, None),
        (views.session_status, "session_status"),
        (views.session_updated, "session_updated"),
    ],
)
def test_a_session_has_the_fields_of_the_protocol_and_nothing_of_ours(view: object, kind: str | None) -> None:
    assert callable(view)
    fields = {name: value for name, value in asdict(view(SESSION)).items() if value is not OMIT}
    assert fields.pop("type", None) == kind
    assert fields == FIELDS


def test_a_chat_has_a_title() -> None:
    chat = views.session_status(replace(SESSION, kind=SessionKind.CHAT, title="May", project_path=""))
    assert (chat.kind, chat.title, chat.project_path) == ("chat", "May", "")


def test_a_session_that_has_not_ended_lasts_until_now() -> None:
    running = replace(SESSION, status=SessionStatus.ACTIVE, ended_ms=None, started_ms=now_ms() - 60_000)
    view = views.session_report(running)
    assert view.ended_at is None
    assert view.duration_seconds >= 60
    assert isinstance(view.duration_seconds, int)


def test_a_clock_that_went_back_makes_no_negative_duration() -> None:
    assert views.session_report(replace(SESSION, started_ms=9_000)).duration_seconds == 0


def test_a_cost_row_is_in_dollars_under_the_key_of_the_store() -> None:
    line = CostLine(key="2024-01-01", cost_nanos=500_000_000, message_count=2, input_tokens=10, output_tokens=20)
    row = CostRow(key="2024-01-01", cost_usd=0.5, message_count=2, input_tokens=10, output_tokens=20)
    assert views.cost_row(line) == row


@pytest.mark.parametrize(("nanos", "usd"), [(None, None), (0, 0.0), (1_000_000, 0.001)])
def test_a_history_message_keeps_apart_no_cost_and_a_cost_of_nothing(nanos: int | None, usd: float | None) -> None:
    stored = StoredMessage(
        id=MessageId("m1"),
        direction="from_claude",
        message="done",
        timestamp_ms=0,
        cost_nanos=nanos,
        status="completed",
        context={"a": 1},
    )
    assert views.history_message(stored) == HistoryMessage(
        id="m1",
        direction="from_claude",
        message="done",
        timestamp="1970-01-01T00:00:00.000Z",
        cost_usd=usd,
        status="completed",
        context={"a": 1},
    )


def test_usage_has_the_names_of_the_messages_api() -> None:
    tokens = Tokens(input=1, output=2, cache_read=3, cache_write_5m=4, cache_write_1h=5)
    assert views.usage(tokens) == {
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_read_input_tokens": 3,
        "cache_creation_input_tokens": 9,
    }


def stored(number: int, text: str, **fields: Any) -> StoredMessage:
    return StoredMessage(
        id=MessageId(f"m{number}"),
        direction="to_claude",
        message=text,
        timestamp_ms=0,
        cost_nanos=None,
        status="completed",
        context=fields.get("context"),
    )


def test_a_page_of_the_history_keeps_the_newest_that_fit() -> None:
    messages = [stored(number, "x" * 300_000) for number in range(5)]
    page = views.history_page("s1", messages)
    assert [item.id for item in page.messages] == ["m2", "m3", "m4"]
    assert page.truncated is True
    assert views.history_page("s1", messages[2:]).truncated is OMIT
    assert views.history_page("s1", []).messages == []


def test_a_message_that_is_too_long_is_cut_and_says_so() -> None:
    item = views.history_message(stored(1, "é" * 400_000, context={"a": "x" * 300_000}))
    assert item.message == "é" * 262_144
    assert (item.truncated, item.characters, item.context) == (True, 400_000, None)
    whole = views.history_message(stored(1, "é" * 262_144, context={"a": 1}))
    assert (len(whole.message), whole.truncated, whole.characters) == (262_144, OMIT, OMIT)
