"""`xswarm claude connect` in pseudo-terminals, attached to a daemon with the real Claude Code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.cli.conftest import command_line, process_environment
from tests.cli.terminal_process import CTRL_C, CTRL_D, TerminalProcess
from tests.e2e.world import World
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]

SESSION = "the-session"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        await world.start()
        started = await world.daemon.xswarm("claude", "start", "--user", "alice", "--project", "site", "--id", SESSION)
        assert started.code == 0
        yield world


def attached(world: World, columns: int = 80) -> TerminalProcess:
    environment = process_environment() | {"XSWARM_CONFIG": str(world.daemon.config)}
    return TerminalProcess(command_line("claude", "connect", SESSION), environment, columns=columns)


async def sees(terminal: TerminalProcess, *texts: str) -> None:
    """Wait until a terminal shows some texts, wherever its rows end."""
    for text in texts:
        found = lambda text=text: "".join(text.split()) in "".join(terminal.text.split())  # noqa: E731
        await until(found, f"{text!r} on the screen", 60)


async def test_an_open_question_is_shown_answered_and_named_to_whoever_waits(world: World) -> None:
    with attached(world) as asking:
        await sees(asking, "/help lists more.")
        asking.press("run touch made.txt\r")
        await sees(asking, "May it run for alice: Bash touch made.txt?")
        with attached(world, columns=40) as late:
            await sees(late, "alice: run touch made.txt", "May it run for alice: Bash touch made.txt?", "/yes or /no")
            late.press("say it\r")
            await sees(late, "next in the queue. The running turn waits for a yes or no. /yes or /no answers it.")
            late.press("yes\r")
            await sees(late, "Nothing was allowed or sent.")
            assert not (world.project() / "made.txt").exists()
            late.press("/yes\r")
            await sees(late, "Allowed.", "I ran `touch made.txt`")
            await sees(asking, "touch made.txt: allowed elsewhere.", "I ran `touch made.txt`")
            await sees(late, 'You wrote: "say it".')
            await asyncio.to_thread(late.wait_for_mark)
            assert late.text.count("I ran `touch") == asking.text.count("I ran `touch") == 1
            late.press(CTRL_D)
            assert await asyncio.to_thread(late.wait) == 0
        await sees(asking, "alice: say it", 'You wrote: "say it".')
        # A watched turn ends with its cost. Its editor is there all the time, so the mark does not tell the end.
        await asyncio.to_thread(asking.wait_for, "[$", 2)
        asking.press(CTRL_D)
        assert await asyncio.to_thread(asking.wait) == 0
    assert (world.project() / "made.txt").exists()


async def test_after_a_restart_of_the_daemon_no_answer_is_shown_twice(world: World) -> None:
    with attached(world) as writing, attached(world) as watching:
        await sees(watching, "/help lists more.")
        await sees(writing, "/help lists more.")
        writing.press("write hello to a.txt\r")
        for terminal in (writing, watching):
            await sees(terminal, "I wrote a.txt", " s]")
            await asyncio.to_thread(terminal.wait_for_mark)
        await world.daemon.stop()
        await world.start()
        for terminal in (writing, watching):
            await sees(terminal, "Connected again.")
            await asyncio.to_thread(terminal.wait_for_mark)
            assert terminal.text.count("I wrote a.txt") == terminal.text.count("[$") == 1
            terminal.press(CTRL_D)
            assert await asyncio.to_thread(terminal.wait) == 0


async def test_an_interrupted_turn_is_told_once_and_an_unknown_word_is_not_sent(world: World) -> None:
    with attached(world) as terminal:
        await sees(terminal, "/help lists more.")
        terminal.press("/login now\r")
        await sees(terminal, "Not sent: it begins with a slash")
        assert world.turns("completed") == []
        terminal.press("/send\r")
        await sees(terminal, 'You wrote: "/login now"')
        terminal.press("run touch made.txt\r")
        await sees(terminal, "May it run for alice")
        terminal.press(CTRL_C)
        await sees(terminal, "Interrupted.")
        await asyncio.to_thread(terminal.wait_for_mark)
        assert terminal.text.count("Interrupted.") == 1
        assert "Error" not in terminal.text
        terminal.press(CTRL_D)
        assert await asyncio.to_thread(terminal.wait) == 0
