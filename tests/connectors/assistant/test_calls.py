"""Calls of tools that hang, fail, or answer what no screen should show."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from connectors.assistant.answer import WrittenCall
from connectors.assistant.calls import ToolCaller
from supervisor.protocol.conversation import Decide, ToolFinished, ToolStarted, Verdict
from supervisor.protocol.messages import SessionId
from supervisor.protocol.text.tool_results import STRUCTURED_BYTES, TEXT_BYTES
from supervisor.protocol.tools import ToolCall, ToolOutput, Tools
from tests.connectors.assistant.tools import FunctionTools, Work
from tests.connectors.contract import allow_everything
from tests.slowness import scaled

SECRET = "the-text-of-a-person"


def answering(output: ToolOutput | str) -> Work:
    async def work(given: Mapping[str, Any]) -> ToolOutput | str:
        return output

    return work


async def made(
    tools: Tools | None,
    name: str = "tool",
    given: Mapping[str, Any] | None = None,
    *,
    decide: Decide = allow_everything,
    seconds: float = scaled(30.0),
    readable: bool = True,
) -> tuple[Any, ToolFinished]:
    """Make a call; return the result for the model, and the event of its end."""
    events: list[ToolStarted | ToolFinished] = []
    caller = ToolCaller(SessionId("s1"), tools, decide, seconds=seconds, abandoned=set(), emit=events.append)
    result = await caller.make(WrittenCall(id="toolu_1", name=name, input=(given or {}) if readable else None))
    started, ended = events
    assert isinstance(started, ToolStarted)
    assert isinstance(ended, ToolFinished)
    assert (started.tool_use_id, ended.tool_use_id) == ("toolu_1", "toolu_1")
    assert result["is_error"] == ended.failed
    return result, ended


async def test_a_tool_that_hangs_ends_at_its_time_limit() -> None:
    async def hang(given: Mapping[str, Any]) -> str:
        await asyncio.Event().wait()
        return ""

    result, ended = await made(FunctionTools(tool=hang), seconds=0.01)
    assert result["content"] == ended.result == "Tool execution failed: TimeoutError"
    result, _ = await made(FunctionTools(tool=hang, seconds=0.01), seconds=3600)
    assert result["content"] == "Tool execution failed: TimeoutError", "the tool's own limit goes before"


async def test_a_tool_that_fails_tells_the_model_the_type_and_the_log_the_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(given: Mapping[str, Any]) -> str:
        raise LookupError("at /srv/secret/path")

    result, ended = await made(FunctionTools(tool=fail))
    assert result["content"] == ended.result == "Tool execution failed: LookupError"
    assert "toolu_1" in caplog.text
    assert "/srv/secret/path" in caplog.text


async def test_a_tool_that_is_cancelled_from_within_is_a_failure() -> None:
    async def cancelled(given: Mapping[str, Any]) -> str:
        raise asyncio.CancelledError

    result, _ = await made(FunctionTools(tool=cancelled))
    assert result["content"] == "Tool execution failed: CancelledError"


@pytest.mark.parametrize("tools", [None, FunctionTools(), FunctionTools(other=answering("x"))])
async def test_a_tool_that_does_not_exist_is_a_failure(tools: Tools | None) -> None:
    result, _ = await made(tools)
    assert result["content"] == "Tool execution failed: UnknownTool"


async def test_an_input_that_cannot_be_read_is_a_failure() -> None:
    tools = FunctionTools(tool=answering("x"))
    result, _ = await made(tools, readable=False)
    assert result["content"] == "Tool execution failed: InvalidInput"
    assert tools.calls == []


async def test_a_call_that_is_not_allowed_is_not_made() -> None:
    async def deny(call: ToolCall) -> Verdict:
        return Verdict(allowed=False, reason="tool was not run: the person said no")

    tools = FunctionTools(tool=answering("x"))
    result, ended = await made(tools, decide=deny)
    assert result["content"] == ended.result == "tool was not run: the person said no"
    assert tools.calls == []


async def test_a_decision_that_breaks_is_a_no(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(call: ToolCall) -> Verdict:
        raise RuntimeError("disk full")

    tools = FunctionTools(tool=answering("x"))
    result, _ = await made(tools, decide=broken)
    assert result["content"] == "tool was not run: whether it may run could not be decided"
    assert tools.calls == []
    assert "disk full" in caplog.text


async def test_an_answer_of_ten_megabytes_is_cut_and_says_so() -> None:
    result, ended = await made(FunctionTools(tool=answering("ä" * 5_000_000)))
    assert result["content"] == ended.result
    assert len(result["content"].encode()) <= TEXT_BYTES + 100
    assert result["content"].endswith("[Cut here: this is the first 65,536 bytes of 10,000,000.]")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("\x1b[31mred\x1b[0m\x07", "red"),
        ("\x1b]0;title\x07text\x1b]8;;http://x\x1b\\link", "textlink"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("a\r\nb\rc\x00\x08", "a\nb\nc"),
        ("half \ud800", "half "),
        ("", "(no output)"),
        (" \x1b[2J", "(no output)"),
    ],
)
async def test_no_escape_code_and_no_control_character_gets_through(text: str, clean: str) -> None:
    output = ToolOutput(text=text, shown=text, structured={"k\x1b[1m": [text]}, title=text)
    result, ended = await made(FunctionTools(tool=answering(output)))
    assert result["content"] == clean
    assert ended.result.strip() == clean.replace("(no output)", "").strip() or ended.result == clean
    assert ended.structured is not None
    assert list(ended.structured) == ["k"]
    assert "\x1b" not in str(ended.structured)
    assert "\x1b" not in ended.title


async def test_a_structured_result_reaches_the_artifact_whole_up_to_its_limit() -> None:
    rows = {"rows": ["x" * 1000] * 1000}
    output = ToolOutput(text="1000 rows", structured=rows, title="Rows", kind="report")
    _, ended = await made(FunctionTools(tool=answering(output)))
    assert (ended.structured, ended.title, ended.kind) == (rows, "Rows", "report")
    too_large = ToolOutput(text="text", structured={"text": "x" * STRUCTURED_BYTES})
    result, ended = await made(FunctionTools(tool=answering(too_large)))
    assert ended.structured is None
    assert result["content"] == "text\n[The structured result is too large to be shown.]"


async def test_what_the_person_sees_may_differ_from_what_the_model_gets() -> None:
    output = ToolOutput(text="entity-1 is free", shown="Dr. Ada is free")
    result, ended = await made(FunctionTools(tool=answering(output)))
    assert result["content"] == ended.for_model == "entity-1 is free"
    assert ended.result == "Dr. Ada is free"
