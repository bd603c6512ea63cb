"""What the tools answer: a short text and the whole result as JSON; refusals are answers too, not errors.

An error of MCP says that the server failed. A refusal has `status: "refused"`, a sentence, and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcp.types import CallToolResult, TextContent

from examples.residency.data.entities import Programme

TOPIC = "xswarm/topic"
"""In the `_meta` of a result: what it is about; chats that got results of one topic are told about each other."""

NOTICE = "xswarm/notice"
"""In the `_meta` of a result: a sentence for the other chats of the topic."""

ARTIFACT = "xswarm/artifact"
"""In the `_meta` of a result: `type` and `title` of the artifact that it makes."""

Json = Mapping[str, Any]


class Refusal(Exception):
    """A tool does not do what it was asked for.

    Attributes:
        reason: a word for programs, such as `stale_version`.
        sentence: for people.
        remedy: what to do now.
        details: more fields of the answer.
    """

    def __init__(self, reason: str, sentence: str, remedy: str, **details: Any) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence
        self.remedy = remedy
        self.details = details


def answer(
    lines: Sequence[str], data: Json, *, topic: str, artifact: tuple[str, str] | None = None, notice: str = ""
) -> CallToolResult:
    """Return a result.

    Args:
        lines: the text; its first line is also the field `message`.
        artifact: its type (`schedule`, `analysis`, `report`, `configuration`) and title; `None` = it makes none.
    """
    meta: dict[str, Any] = {TOPIC: topic}
    if artifact is not None:
        meta[ARTIFACT] = {"type": artifact[0], "title": artifact[1]}
    if notice:
        meta[NOTICE] = notice
    return CallToolResult(
        content=[TextContent(type="text", text="\n".join(lines))],
        structured_content={"message": lines[0], **data},
        _meta=meta,
    )


def refused(refusal: Refusal, topic: str) -> CallToolResult:
    """Return a refusal as a result."""
    data = {
        "status": "refused",
        "reason": refusal.reason,
        "message": refusal.sentence,
        "remedy": refusal.remedy,
        **refusal.details,
    }
    return answer([f"Refused ({refusal.reason}): {refusal.sentence}", refusal.remedy], data, topic=topic)


def topic_of(programme: Programme) -> str:
    """Return the topic of a programme's schedule."""
    return f"schedule:{programme.schedule_id}"
