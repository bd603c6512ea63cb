"""Records and events as REST bodies."""

from __future__ import annotations

from dataclasses import asdict

from supervisor.protocol import events
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.status import Target, TurnState
from supervisor.store.records.result import Result
from supervisor.store.records.turn import Turn
from supervisor.wires.rest import answers


def result(state: TurnState, ended_ms: int | None) -> Result:
    turn = Turn(
        id=1,
        message_id=MessageId("m"),
        lane="s",
        target=Target.CLAUDE_CODE,
        reason="keyword fix",
        state=state,
        user_id=UserId("alice"),
        session_id=SessionId("s"),
        project=ProjectName("site"),
        exclusive=True,
        channel="sms",
        thread="",
        text="fix it",
        note="",
        context=None,
        reply=None,
        accepted_ms=1_700_000_000_000,
    )
    return Result(
        turn=turn,
        answer="fixed",
        answer_id=MessageId("a"),
        why="",
        stop_reason="end_turn",
        duration_ms=1500,
        cost_nanos=1_500_000,
        tokens=Tokens(input=1, output=2, cache_read=3, cache_write_5m=4, cache_write_1h=5),
        ended_ms=ended_ms,
    )


def test_money_leaves_as_dollars_and_time_as_rfc_3339() -> None:
    assert asdict(answers.answer(result(TurnState.COMPLETED, 1_700_000_001_500))) == {
        "message_id": "m",
        "content": "fixed",
        "cost_usd": 0.0015,
        "timestamp": "2023-11-14T22:13:21.500Z",
    }


def test_message_that_runs_has_no_end() -> None:
    shown = asdict(answers.message(result(TurnState.RUNNING, None)))
    assert (shown["state"], shown["ended_at"], shown["accepted_at"]) == ("running", None, "2023-11-14T22:13:20.000Z")
    assert shown["usage"] == {
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_read_input_tokens": 3,
        "cache_creation_input_tokens": 9,
    }


def test_event_of_the_socket_loses_what_belongs_to_the_socket() -> None:
    event = events.ClaudeCodeInterrupted(
        request_id="r", session_id="s", message_id=None, partial=False, timestamp="2023-11-14T22:13:20.000Z"
    )
    assert asdict(answers.picked(answers.Interrupted, event)) == {
        "session_id": "s",
        "message_id": None,
        "partial": False,
        "timestamp": "2023-11-14T22:13:20.000Z",
    }
