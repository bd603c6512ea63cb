"""A kill with an open question, by text: a yes continues the work once, and DROP ends the question."""

from __future__ import annotations

import re
import signal
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.world import World
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        await world.start()
        yield world


async def killed(world: World) -> str:
    """Kill the daemon while a question is open; return the code of the question."""
    await world.text("in the code: run touch made.txt")
    found = re.search(r"\bYES ([A-Z]{5})\b", await world.answer("Bash touch made.txt"))
    assert found is not None
    await until(lambda: world.tools_started() == 1, "its event is stored")
    await world.daemon.stop(signal.SIGKILL)
    await until(lambda: not world.agents(), "no agent is left", 10)
    await world.start()
    told = await world.answer("was interrupted")
    assert "These tools had started" not in told
    return found[1]


async def test_drop_ends_the_question_and_the_same_call_is_asked_about_again(world: World) -> None:
    code = await killed(world)
    assert "was dropped" in await world.ask("DROP")
    assert f"{code} counts no more" in await world.ask(f"YES {code}")
    await world.text("in the code: run touch made.txt")
    await until(lambda: questions(world) == 2, "it is asked about again", 60)
    assert not (world.project() / "made.txt").exists()


async def test_a_yes_lets_the_work_go_on(world: World) -> None:
    code = await killed(world)
    assert "Allowed once, and its work goes on" in await world.ask(f"YES {code}")
    await until((world.project() / "made.txt").exists, "the call runs", 15)
    await world.answer("I ran touch made.txt")
    assert f"{code} was allowed before" in await world.ask(f"YES {code}")


def questions(world: World) -> int:
    """Return how many questions were asked."""
    with closing(world.database()) as database:
        return int(database.execute("SELECT count(*) FROM approvals").fetchone()[0])
