"""A question that waits long suspends the real Claude Code; a yes lets another process run the same call, once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.world import World
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]

TABLES = """
[approvals]
hold_seconds = 0.0
"""


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path, tables=TABLES) as world:
        await world.start()
        yield world


async def let_go(world: World) -> str:
    """Ask for a shell command; return the code of the question, once the process that asks it is gone."""
    await world.text("in the code: run touch made.txt")
    question = await world.answer("Bash touch made.txt")
    await until(lambda: not world.agents(), "its process is let go", 30)
    found = re.search(r"\bYES ([A-Z]{5})\b", question)
    assert found is not None
    return found[1]


async def test_a_yes_runs_it_in_another_process(world: World) -> None:
    code = await let_go(world)
    assert "Allowed once" in await world.ask(f"YES {code}")
    await until((world.project() / "made.txt").exists, "it is run", 60)
    await until(lambda: running_turns(world) == 0, "the turn ends", 60)
    with closing(world.database()) as database:
        assert database.execute("SELECT count(*), count(consumed_ms) FROM approvals").fetchone() == (1, 1)
        (answered,) = database.execute("SELECT count(*) FROM turns WHERE target = 'claude_code'").fetchone()
    assert answered == 1, "it is the same turn"


async def test_a_no_leaves_it_and_the_turn_is_answered(world: World) -> None:
    code = await let_go(world)
    assert "Denied" in await world.ask(f"NO {code}")
    await until(lambda: running_turns(world) == 0, "the turn ends", 60)
    assert not (world.project() / "made.txt").exists()


def running_turns(world: World) -> int:
    """Return how many turns are not at their end."""
    with closing(world.database()) as database:
        query = "SELECT count(*) FROM turns WHERE state IN ('running', 'pending', 'waiting')"
        return int(database.execute(query).fetchone()[0])
