"""Texts that come while the real Claude Code works: into its turn, or gathered into the next one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.world import HANG, World, script, slow_answer, write_file
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        await world.start()
        yield world


async def test_each_text_is_told_what_became_of_it_and_all_are_answered(world: World) -> None:
    await world.text("@site first: " + script(slow_answer(40, 8.0)))
    await until(lambda: world.turns("running"), "it works", 60)
    await world.text("@site steer: and mind the window")
    told = await world.answer("Your message went into the running turn; one answer covers both.")
    assert told
    for word in ("one", "two"):
        await world.text(f"@site collect: gather {word}")
        await world.answer("Collected: your message is ")
    # A turn of words alone takes nothing in: what was sent into it is answered in its own turn, before what waits.
    assert "and mind the window" in await world.answer("and mind the window")
    gathered = await world.answer("gather one")
    assert "gather two" in gathered
    await until(lambda: not world.turns("running") and not world.turns("waiting"), "nothing is left")
    database = world.database()
    states = [state for (state,) in database.execute("SELECT state FROM turns ORDER BY id")]
    database.close()
    assert states == ["completed"] * 4


@pytest.mark.parametrize(
    ("tables", "written"),
    [
        ("", "interrupt: claude: say now"),
        ("", "claude: interrupt: say now"),
        ('[queue]\nmode = "interrupt"\n', "claude: say now"),
    ],
    ids=["before", "behind", "configured"],
)
async def test_a_text_that_interrupts_stops_the_turn_that_runs_and_is_answered_next(
    tables: str, written: str, tmp_path: Path
) -> None:
    async with World(tmp_path, tables=tables) as world:
        await world.start()
        await world.text("claude: first: " + script(write_file(world.project() / "first.txt", "hi"), HANG))
        await until(world.tools_started, "it works", 60)
        await world.text(written)
        assert await world.answer("Stopping the running turn; your message is next in the queue.")
        assert "Stopped." in await world.answer("Stopped.")
        await until(lambda: not world.turns("running") and not world.turns("pending"), "nothing is left", 60)
        assert world.turns("completed") == ["say now"]
        assert len(world.turns("cancelled")) == 1
        with closing(world.database()) as database:
            assert database.execute("SELECT count(DISTINCT lane) FROM turns").fetchone() == (1,)
