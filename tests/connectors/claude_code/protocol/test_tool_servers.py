"""A session waits for its tool servers, and each answer says which were missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connectors.claude_code.protocol import tool_servers
from connectors.claude_code.protocol.frames import Message, Unanswered
from connectors.claude_code.protocol.turns import TurnReader
from supervisor.protocol.conversation import Finished, TextDelta
from supervisor.protocol.messages import MessageId

NAMES = frozenset({"residency", "wards"})
WITHOUT = "(Without the tools of residency, which could not be reached.)\n\n"


def listed(**states: str) -> list[dict[str, str]]:
    return [{"name": name, "status": status} for name, status in states.items()]


class Asked:
    """Answers each question with the next states."""

    def __init__(self, *answers: list[dict[str, str]] | Unanswered) -> None:
        self.answers = list(answers)

    async def __call__(self, request: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
        assert request == {"subtype": "mcp_status"}
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Unanswered):
            raise answer
        return {"mcpServers": answer}


async def test_it_waits_until_no_server_is_pending() -> None:
    asked = Asked(
        listed(),
        listed(residency="pending"),
        listed(residency="connected", wards="pending"),
        listed(residency="connected", wards="failed"),
    )
    await tool_servers.settled(asked, NAMES)
    assert len(asked.answers) == 1


async def test_it_waits_no_longer_than_its_time() -> None:
    await tool_servers.settled(Asked(listed(residency="pending")), NAMES, seconds=0.0)


async def test_without_servers_nothing_is_asked() -> None:
    await tool_servers.settled(Asked(Unanswered("never asked")), frozenset())


async def test_a_claude_code_that_does_not_know_the_question_is_used_without_it() -> None:
    await tool_servers.settled(Asked(Unanswered("Unsupported control request subtype")), NAMES)


async def test_servers_are_reached_anew_and_one_that_is_not_holds_nothing_up() -> None:
    asked: list[Mapping[str, Any]] = []

    async def ask(request: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
        asked.append(request)
        if request["serverName"] == "wards":
            raise Unanswered("Connection failed")
        return {}

    await tool_servers.renewed(ask, ["residency", "wards"])
    assert asked == [{"subtype": "mcp_reconnect", "serverName": name} for name in ("residency", "wards")]
    await tool_servers.renewed(ask, ())
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ({"residency": "connected", "wards": "connected"}, ""),
        ({"residency": "failed", "wards": "connected"}, WITHOUT),
        ({}, "(Without the tools of residency and wards, which could not be reached.)\n\n"),
    ],
)
def test_missing_servers_are_named(states: dict[str, str], told: str) -> None:
    assert tool_servers.without({"mcp_servers": listed(**states)}, NAMES) == told


def test_an_answer_begins_with_the_servers_that_were_missing() -> None:
    reader = TurnReader(servers=NAMES)
    message_id = MessageId("0190b5c2-1111-7000-8000-000000000001")
    for states in ({"residency": "failed", "wards": "connected"}, {"residency": "connected", "wards": "connected"}):
        reader.written(message_id)
        reader.receive(Message(type="system", body={"subtype": "init", "mcp_servers": listed(**states)}))
        delta = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hello"}}
        (first,) = reader.receive(Message(type="stream_event", body={"event": delta}))
        result = {"subtype": "success", "result": "Hello", "user_message_uuids": [message_id]}
        *_, end = reader.receive(Message(type="result", body=result))
        above = WITHOUT if states["residency"] == "failed" else ""
        assert first == TextDelta(text=f"{above}Hello")
        assert isinstance(end, Finished)
        assert end.text == f"{above}Hello"
