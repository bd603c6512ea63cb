"""The state of a prompt: from written transcripts, and from a real Claude Code that is killed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connectors.claude_code.connector import ClaudeCodeConnector
from connectors.claude_code.protocol.transcript import MAX_SUMMARY, trace
from supervisor.models.offline.model import OfflineModel
from supervisor.protocol.conversation import Finished, Prompt, SessionSpec, Trace, TraceKind
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId
from tests.connectors.claude_code.support import Policy, make_connector, make_spec, opened, script, tool
from tests.waiting import until

OURS, OTHER = "01a20b6e-8656-7eb1-9808-b5681c7044dd", "01a20b6e-8cc7-793c-906f-b2053cf2ea20"


def line(kind: str, content: object, **fields: Any) -> bytes:
    """Return an entry of the conversation."""
    message: dict[str, Any] = {"role": kind, "content": content}
    message |= {key: fields.pop(key) for key in ("id", "stop_reason") if key in fields}
    return json.dumps({"type": kind, "isSidechain": False, "message": message, **fields}).encode() + b"\n"


def prompt(uuid: str = OURS) -> bytes:
    """Return the entry of a prompt."""
    return line("user", [{"type": "text", "text": "do it"}], uuid=uuid)


def said(text: str, stop_reason: str | None = None, message: str = "msg_1", **fields: Any) -> bytes:
    """Return the entry of a text."""
    return line("assistant", [{"type": "text", "text": text}], id=message, stop_reason=stop_reason, **fields)


def called(name: str, number: int = 1, **values: str) -> bytes:
    """Return the entry of a tool call."""
    block = {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": values}
    return line("assistant", [block], id="msg_0", stop_reason="tool_use")


RESULT = line("user", [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}], uuid="another")
CALLED = called("Bash", command="make  deploy\n")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], Trace(kind=TraceKind.ABSENT)),
        ([prompt(OTHER), said("hello", "end_turn")], Trace(kind=TraceKind.ABSENT)),
        ([prompt()], Trace(kind=TraceKind.UNANSWERED)),
        ([prompt(OTHER), said("hello", "end_turn"), prompt()], Trace(kind=TraceKind.UNANSWERED)),
        ([prompt(), said("well")], Trace(kind=TraceKind.SPOKEN)),
        ([prompt(), CALLED], Trace(kind=TraceKind.STARTED, tools={"toolu_1": "Bash make deploy"})),
        ([prompt(), CALLED, RESULT], Trace(kind=TraceKind.STARTED, tools={"toolu_1": "Bash make deploy"})),
        (
            [prompt(), CALLED, RESULT, said("done")],
            Trace(kind=TraceKind.STARTED, tools={"toolu_1": "Bash make deploy"}),
        ),
        (
            [prompt(), CALLED, RESULT, said("a", "end_turn"), said("b", "end_turn")],
            Trace(kind=TraceKind.ANSWERED, tools={"toolu_1": "Bash make deploy"}, answer="a\n\nb"),
        ),
        ([prompt(), said("mine", "end_turn"), prompt(OTHER), CALLED], Trace(kind=TraceKind.ANSWERED, answer="mine")),
        ([prompt(), CALLED, prompt()], Trace(kind=TraceKind.UNANSWERED)),
        ([prompt(), said("sub", "end_turn", isSidechain=True)], Trace(kind=TraceKind.SPOKEN)),
        (
            [prompt(), said("first", "end_turn"), CALLED],
            Trace(kind=TraceKind.STARTED, tools={"toolu_1": "Bash make deploy"}),
        ),
        (
            [prompt(), line("user", [{"type": "text", "text": "a note"}], isMeta=True), said("done", "end_turn")],
            Trace(kind=TraceKind.ANSWERED, answer="done"),
        ),
    ],
)
def test_lines_tell_how_far_it_came(lines: list[bytes], expected: Trace) -> None:
    assert trace(lines, OURS) == expected


@pytest.mark.parametrize("garbage", [b"", b"\n", b"[]\n", b'"user"\n', b'{"type":"assistant"}\n', b"\xff\x00 user\n"])
def test_what_is_no_entry_is_passed_over(garbage: bytes) -> None:
    lines = [garbage, prompt(), garbage, said("done", "end_turn"), garbage]
    assert trace(lines, OURS) == Trace(kind=TraceKind.ANSWERED, answer="done")


def test_an_entry_that_was_cut_off_in_the_middle_did_not_happen() -> None:
    for length in range(1, len(CALLED) - 1):
        assert trace([prompt(), CALLED[:length]], OURS).kind is TraceKind.UNANSWERED


def test_a_long_command_is_told_in_a_few_words() -> None:
    (summary,) = trace([prompt(), called("Bash", command="x" * 500)], OURS).tools.values()
    assert len(summary) == MAX_SUMMARY


@pytest.fixture
async def model() -> AsyncIterator[OfflineModel]:
    """A model on this machine."""
    async with OfflineModel() as offline:
        yield offline


async def trace_of(connector: ClaudeCodeConnector, spec: SessionSpec, key: MessageId, kind: TraceKind) -> Trace:
    """Return the trace of a prompt as soon as it is of a kind: Claude Code writes it a tenth of a second late."""

    async def has_come() -> bool:
        return (await connector.trace(spec.home, spec.conversation_id, key)).kind is kind

    await until(has_come, f"it is {kind}")
    return await connector.trace(spec.home, spec.conversation_id, key)


async def killed(folder: Path, spec: SessionSpec, text: str, kind: TraceKind) -> tuple[MessageId, Trace]:
    """Kill the whole process tree once a prompt is in the state `kind`; return the trace that is left."""
    connector, message_id = make_connector(folder), MessageId(uuid7())
    async with opened(connector, spec) as reader:
        await reader.conversation.prompt(Prompt(message_id=message_id, text=text))
        await trace_of(connector, spec, message_id, kind)
        os.kill(reader.conversation.identity.pid, signal.SIGKILL)
        await reader.until()
    return message_id, await connector.trace(spec.home, spec.conversation_id, message_id)


async def test_killed_while_the_model_thinks_it_is_answered_again_under_its_id(
    model: OfflineModel, tmp_path: Path
) -> None:
    spec = make_spec(tmp_path, model.url, Policy())
    message_id, left = await killed(tmp_path, spec, script({"hang": True}), TraceKind.UNANSWERED)
    assert left == Trace(kind=TraceKind.UNANSWERED)
    again = make_spec(tmp_path, model.url, Policy(), resume=True, conversation_id=spec.conversation_id)
    async with opened(make_connector(tmp_path), again) as reader:
        await reader.conversation.prompt(Prompt(message_id=message_id, text=script({"text": "here"})))
        ended = (await reader.turn())[-1]
        assert isinstance(ended, Finished)
        assert (ended.message_id, ended.text) == (message_id, "here")


async def test_killed_while_it_answers_the_prompt_counts_anew_under_another_key(
    model: OfflineModel, tmp_path: Path
) -> None:
    spec = make_spec(tmp_path, model.url, Policy())
    steps = script({"text": "Well.", "stop_reason": "stop_sequence"})  # its text stands there, and no end of a turn
    message_id, left = await killed(tmp_path, spec, steps, TraceKind.SPOKEN)
    assert left == Trace(kind=TraceKind.SPOKEN)
    again = make_spec(tmp_path, model.url, Policy(), resume=True, conversation_id=spec.conversation_id)
    connector, key = make_connector(tmp_path), MessageId(uuid7())
    async with opened(connector, again) as reader:
        await reader.conversation.prompt(Prompt(message_id=message_id, key=key, text=script({"text": "here"})))
        ended = (await reader.turn())[-1]
        assert isinstance(ended, Finished)
        assert (ended.message_id, ended.text) == (message_id, "here")
        found = await trace_of(connector, spec, key, TraceKind.ANSWERED)
        assert found == Trace(kind=TraceKind.ANSWERED, answer="here")


async def test_killed_after_a_tool_was_called_it_is_told_which(model: OfflineModel, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, model.url, Policy())
    path = str(Path(spec.project_path) / "a.txt")
    steps = script({"tools": [tool("Write", file_path=path, content="hello")]}, {"hang": True})
    _, left = await killed(tmp_path, spec, steps, TraceKind.STARTED)
    assert left.kind is TraceKind.STARTED
    assert list(left.tools.values()) == [f"Write {path}"[:MAX_SUMMARY]]


async def test_an_answer_is_found_again_as_it_was_given(model: OfflineModel, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, model.url, Policy())
    connector = make_connector(tmp_path)
    async with opened(connector, spec) as reader:
        ended = (await reader.ask(script({"text": "All is **done**."})))[-1]
        assert isinstance(ended, Finished)
        assert ended.message_id is not None
        found = await trace_of(connector, spec, ended.message_id, TraceKind.ANSWERED)
        assert found == Trace(kind=TraceKind.ANSWERED, answer="All is **done**.")
        other = await connector.trace(spec.home, spec.conversation_id, MessageId(uuid7()))
    assert other == Trace(kind=TraceKind.ABSENT)
    no_folder = await connector.trace(str(tmp_path / "nowhere"), spec.conversation_id, ended.message_id)
    assert no_folder == Trace(kind=TraceKind.UNKNOWN)
