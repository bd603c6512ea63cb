"""The real Claude Code takes a prompt during a turn: into that turn, or as the next turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.claude_code.connector import ClaudeCodeConnector
from supervisor.models.offline.model import OfflineModel
from supervisor.protocol.conversation import Failed, Finished, Prompt, TextDelta, ToolStarted
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId
from tests.connectors.claude_code.support import Policy, Reader, make_connector, make_spec, opened, script, tool

pytestmark = pytest.mark.cli_process

WAITS = {"tools": [tool("Bash", command="until [ -e go ]; do sleep 0.05; done")]}


async def ends(reader: Reader, count: int) -> list[Finished | Failed]:
    """Return the ends of so many prompts, in order."""
    found: list[Finished | Failed] = []
    while len(found) < count:
        found += [event for event in await reader.until(Finished, Failed) if isinstance(event, Finished | Failed)]
    return found


async def write(reader: Reader, text: str) -> MessageId:
    message_id = MessageId(uuid7())
    await reader.conversation.prompt(Prompt(message_id=message_id, text=text))
    return message_id


async def test_a_prompt_is_taken_into_a_turn_with_tools_and_both_end_with_one_answer(tmp_path: Path) -> None:
    assert ClaudeCodeConnector.steers
    async with OfflineModel() as model:
        spec = make_spec(tmp_path, model.url, Policy())
        async with opened(make_connector(tmp_path, sandbox="off"), spec) as reader:
            first = await write(reader, script(WAITS))
            await reader.until(ToolStarted)
            second = await write(reader, "and the window, please")
            Path(spec.project_path, "go").touch()
            found = await ends(reader, 2)
            assert [event.message_id for event in found] == [first, second]
            texts = [event.text for event in found if isinstance(event, Finished)]
            assert len(texts) == 2
            assert texts[0] == texts[1]
            assert "and the window, please" in texts[0]  # the scripted model says what it was told
            assert isinstance((await reader.ask("hello"))[-1], Finished)  # the session goes on


async def test_a_prompt_behind_a_turn_of_words_alone_is_a_turn_of_its_own(tmp_path: Path) -> None:
    async with OfflineModel() as model:
        spec = make_spec(tmp_path, model.url, Policy())
        async with opened(make_connector(tmp_path), spec) as reader:
            first = await write(reader, script({"text": "one two three four", "token_delay": 0.2}))
            await reader.until(TextDelta)
            second = await write(reader, script({"text": "mine"}))
            found = await ends(reader, 2)
            assert [event.message_id for event in found] == [first, second]
            assert [event.text for event in found if isinstance(event, Finished)] == ["one two three four", "mine"]


async def test_an_interrupt_leaves_neither_without_its_end(tmp_path: Path) -> None:
    async with OfflineModel() as model:
        spec = make_spec(tmp_path, model.url, Policy())
        async with opened(make_connector(tmp_path, sandbox="off"), spec) as reader:
            first = await write(reader, script(WAITS, {"text": "done"}))
            await reader.until(ToolStarted)
            second = await write(reader, "and the window, please")
            await reader.conversation.interrupt()
            found = await ends(reader, 2)
            assert {event.message_id for event in found} == {first, second}
            assert isinstance((await reader.ask("hello"))[-1], Finished)
