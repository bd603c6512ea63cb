"""Which pushed frames belong to a prompt."""

from __future__ import annotations

from typing import Any

from xswarm_client.events import Event, Question, Queued, Text, Tool
from xswarm_client.turn import Turn


def heard(turn: Turn, kind: str, **fields: Any) -> Event | None:
    """Return what a frame of the session means for a turn."""
    return turn.event({"type": kind, "session_id": "s1", **fields})


def test_a_prompt_that_starts_at_once_takes_the_first_turn_that_is_new() -> None:
    turn = Turn("s1", "mine", {"before"})
    assert heard(turn, "claude_code_delta", message_id="before", text="late") is None
    assert heard(turn, "claude_code_delta", message_id="m1", text="a") == Text("a")
    assert heard(turn, "claude_code_delta", message_id="m2", text="b") is None
    called = heard(turn, "claude_code_tool", message_id="m1", name="Read", status="started", tool_use_id="t", input={})
    assert called == Tool("Read", "started", "t", {})
    assert heard(turn, "approval_requested", approval_id="a1") == Question(approval_id="a1", session_id="s1")


def test_a_prompt_that_waits_is_known_by_its_external_id() -> None:
    turn = Turn("s1", "mine", set())
    assert heard(turn, "claude_code_queued", message_id="m1", external_id="other", ahead=1) is None
    assert heard(turn, "claude_code_queued", message_id="m2", external_id="mine", ahead=2) == Queued(ahead=2)
    assert heard(turn, "claude_code_delta", message_id="m1", text="theirs") is None
    assert heard(turn, "claude_code_delta", message_id="m2", text="mine") == Text("mine")


def test_other_sessions_and_unknown_types_mean_nothing() -> None:
    turn = Turn("s1", "mine", set())
    assert turn.event({"type": "claude_code_delta", "session_id": "s2", "message_id": "m1", "text": "x"}) is None
    assert heard(turn, "claude_code_dream", message_id="m1") is None
    assert turn.event({"type": "approval_resolved"}) is None
    routed = Turn(None, "mine", set())
    assert heard(routed, "claude_code_delta", message_id="m1", text="whose?") is None


def test_a_turn_that_has_ended_is_not_taken_for_the_next_one() -> None:
    seen: set[str] = set()
    Turn("s1", "first", seen).ended("m1")
    assert heard(Turn("s1", "second", seen), "claude_code_delta", message_id="m1", text="late") is None
