"""What the daemon knows, as frames."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from supervisor.operations.chat_history import ChatMessage
from supervisor.operations.chats.records import ChatEnd
from supervisor.protocol import events
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.errors import BudgetExceeded, RateLimited, StorageError, TurnFailed
from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import Target, TurnState
from supervisor.store.records.tool_call import StoredCall
from supervisor.wires.chat import frames, views
from tests.supervisor.wires.chat.rooms.scripted import result

OF_ANSWER: Any = {"session_id": "s", "message_id": "m", "tool_use_id": "t", "name": "check_it"}


def test_live_events() -> None:
    assert views.live(events.ClaudeCodeDelta(session_id="s", message_id="m", text="a")) == [frames.Token(content="a")]
    assert views.live(events.ClaudeCodeDelta(session_id="s", message_id="m", text="")) == []
    assert views.live(events.ToolCallBegun(**OF_ANSWER)) == [frames.ToolCallStart(name="check_it", id="t")]
    started = events.ClaudeCodeTool(**OF_ANSWER, status="started", input={"a": 1})
    assert views.live(started) == [frames.ToolCall(name="check_it", input={"a": 1}, id="t")]
    done = events.ClaudeCodeTool(**OF_ANSWER, status="succeeded", result="12 passed")
    assert views.live(done) == [frames.ToolResult(id="t", result={"tool_name": "check_it", "content": "12 passed"})]
    assert views.live(done, {"rows": []}) == [frames.ToolResult(id="t", result={"rows": [], "tool_name": "check_it"})]
    failed = events.ClaudeCodeTool(**OF_ANSWER, status="failed", result="Tool execution failed: TimeoutError")
    (told,) = views.live(failed)
    assert isinstance(told, frames.ToolResult)
    assert told.result == {"tool_name": "check_it", "failed": True, "error": "Tool execution failed: TimeoutError"}


@pytest.mark.parametrize(
    ("kind", "title", "expected"),
    [
        ("", "Weekly schedule", "schedule"),
        ("", "Assignments", "schedule"),
        ("", "validate_schedule", "schedule"),
        ("", "health_check", "analysis"),
        ("", "Contingency analysis", "analysis"),
        ("", "Settings", "configuration"),
        ("", "detect_conflicts", "report"),
        ("schedule", "health_check", "schedule"),
        ("chart", "health_check", "analysis"),
    ],
)
def test_what_an_artifact_is(kind: str, title: str, expected: str) -> None:
    made = events.ArtifactMade(**OF_ANSWER, kind=kind, title=title, data={"a": 1})
    (told,) = views.live(made)
    assert told == frames.Artifact(id="t", kind=views.kind_of(kind, title), title=title, data={"a": 1})
    assert views.kind_of(kind, title) == expected


def test_ends_of_answers() -> None:
    done = replace(result("m1", joined=(MessageId("m2"),)), tokens=Tokens(input=3, output=4), cost_nanos=5_000_000)
    end = views.end_of(ChatEnd(result=done), spoke=True)
    assert isinstance(end, frames.Complete)
    assert (end.usage["input_tokens"], end.usage["output_tokens"], end.cost_usd) == (3, 4, 0.005)
    assert end.message_ids == ["m1", "m2"]
    unpriced = views.end_of(ChatEnd(result=replace(done, cost_nanos=0, unpriced=True)), spoke=True)
    assert isinstance(unpriced, frames.Complete)
    assert unpriced.cost_usd is None


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (
            ChatEnd(result=result("m1", TurnState.CANCELLED), error=TurnFailed("stopped")),
            frames.Interrupted(message="Generation stopped by user", partial_response=True, message_id="m1"),
        ),
        (
            ChatEnd(
                result=replace(result("m1", TurnState.CANCELLED), stop_reason=""), error=TurnFailed("it was dropped")
            ),
            frames.Interrupted(message="Generation cancelled", partial_response=True, message_id="m1"),
        ),
        (
            ChatEnd(result=result("m1", TurnState.INTERRUPTED, why="the daemon stopped"), error=TurnFailed("x")),
            frames.Interrupted(message="the daemon stopped", partial_response=True, message_id="m1"),
        ),
        (
            ChatEnd(result=result("m1", TurnState.FAILED), error=TurnFailed("the model is overloaded")),
            frames.Error(message="the model is overloaded", code="turn_failed", message_id="m1"),
        ),
    ],
)
def test_ends_that_are_not_complete(ended: ChatEnd, expected: frames.End) -> None:
    assert views.end_of(ended, spoke=True) == expected


def test_errors_say_what_to_do_and_when() -> None:
    limited = views.refused(RateLimited(7.0))
    assert (limited.message, limited.code, limited.retry_after) == ("Rate limit exceeded", "rate_limited", 7.0)
    spent = views.refused(BudgetExceeded("user alice", 1.0, 1.0), "m1")
    assert spent.message.startswith("Budget exceeded: user alice spent $1.00 of $1.00. an administrator")
    assert spent.message_id == "m1"
    assert views.refused(StorageError("disk full", "free some")).message == "Storage failed: disk full. free some"


def said(role: Any, content: str = "x", **more: Any) -> ChatMessage:
    return ChatMessage(
        id=MessageId("i"),
        message_id=MessageId("m"),
        role=role,
        content=content,
        timestamp_ms=0,
        by=None,
        target=Target.ASSISTANT,
        state=more.pop("state", TurnState.COMPLETED),
        **more,
    )


def test_a_history_names_calls_and_artifacts() -> None:
    call = StoredCall(
        tool_use_id="t",
        name="validate",
        input={"a": 1},
        reads=True,
        started_ms=0,
        ended_ms=1,
        result="3 rows",
        title="Check",
        kind="analysis",
        artifact={"rows": [1, 2, 3]},
    )
    running = replace(call, tool_use_id="u", ended_ms=None, artifact=None)
    user, answer = views.history(
        [said("user"), said("assistant", tool_calls=[call, running], cost_nanos=10**9)], limit=200
    ).messages
    assert (user.role, user.status) == ("user", "completed")
    assert answer.tool_calls == [
        {
            "id": "t",
            "name": "validate",
            "input": {"a": 1},
            "started_at": "1970-01-01T00:00:00.000Z",
            "ended_at": "1970-01-01T00:00:00.001Z",
            "result": {"tool_name": "validate", "content": "3 rows"},
        },
        {"id": "u", "name": "validate", "input": {"a": 1}, "started_at": "1970-01-01T00:00:00.000Z"},
    ]
    assert answer.artifacts == [{"id": "t", "type": "analysis", "title": "Check", "data": {"rows": [1, 2, 3]}}]
    assert answer.cost_usd == 1.0


def test_the_mark_of_a_stopped_answer_is_no_part_of_its_text() -> None:
    (answer,) = views.history(
        [said("assistant", "so far", interrupted=True, state=TurnState.CANCELLED)], limit=200
    ).messages
    assert (answer.content, answer.interrupted, answer.status) == ("so far", True, "cancelled")


def test_a_history_that_does_not_fit_keeps_the_newest() -> None:
    messages = [said("user", f"{number} " + "x" * 200_000) for number in range(10)]
    kept = views.history(messages, limit=200)
    assert [one.content.partition(" ")[0] for one in kept.messages] == ["6", "7", "8", "9"]
    assert kept.earlier


def test_a_page_begins_with_a_message_and_says_whether_there_are_earlier_ones() -> None:
    both = [said("user", "one"), said("assistant", "1"), said("user", "two"), said("assistant", "2")]
    page = views.history(both, limit=1, before="three")
    assert ([one.content for one in page.messages], page.earlier, page.before) == (["two", "2"], True, "three")
    assert not views.history(both, limit=2).earlier
    long = [said("user", "x" * 900_000), said("assistant", "y" * 200_000), said("user", "last")]
    assert [one.content for one in views.history(long, limit=9).messages] == ["last"]
