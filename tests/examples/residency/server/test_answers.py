"""Answers and refusals as results of MCP."""

from __future__ import annotations

from mcp.types import TextContent

from examples.residency.server.answers import ARTIFACT, NOTICE, TOPIC, Refusal, answer, refused, topic_of
from tests.examples.residency.small import programme


def test_an_answer_has_text_data_and_what_the_caller_needs() -> None:
    made = answer(["one", "two"], {"a": 1}, topic="schedule:main", artifact=("analysis", "Title"), notice="X works.")
    assert made.content == [TextContent(type="text", text="one\ntwo")]
    assert made.structured_content == {"message": "one", "a": 1}
    assert made.meta == {
        TOPIC: "schedule:main",
        ARTIFACT: {"type": "analysis", "title": "Title"},
        NOTICE: "X works.",
    }


def test_a_refusal_is_an_answer_with_a_remedy_and_no_error() -> None:
    made = refused(Refusal("stale_version", "It changed.", "Ask again.", schedule_version=3), topic_of(programme()))
    assert not made.is_error
    assert made.structured_content == {
        "status": "refused",
        "reason": "stale_version",
        "message": "It changed.",
        "remedy": "Ask again.",
        "schedule_version": 3,
    }
    assert made.meta == {TOPIC: "schedule:main"}
