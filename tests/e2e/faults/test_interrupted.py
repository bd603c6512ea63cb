"""The daemon is killed while the real Claude Code runs a tool; the user continues or retries the turn by text."""

from __future__ import annotations

import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.world import HANG, World, script, write_file
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path, projects=("site", "shop")) as world:
        await world.start()
        yield world


async def test_whoever_was_cut_off_goes_on_in_one_project_and_begins_again_in_another(world: World) -> None:
    notes = {name: world.project(name) / "notes.txt" for name in ("site", "shop")}
    for name, path in notes.items():
        await world.text(f"@{name} for {name}: " + script(write_file(path, name), HANG))
    await until(lambda: all(path.exists() for path in notes.values()), "both have run a tool", 60)
    await until(lambda: world.tools_started() == 2, "both are known")
    for path in notes.values():
        path.unlink()
    await world.daemon.stop(signal.SIGKILL)
    await until(lambda: not world.agents(), "no agent is left", 10)
    await world.start()

    codes = {}
    for name in notes:
        told = await world.answer(f'Your message "for {name}: ')
        assert "These tools had started: Write /" in told
        assert ". It was not run again. Reply CONTINUE " in told
        codes[name] = re.findall(r"\b(?:CONTINUE|RETRY|DROP) ([A-Z]{5})\b", told)
        assert len(codes[name]) == 3
        assert len(set(codes[name])) == 1
    listed = await world.ask("continue")
    assert all(f"CONTINUE {found[0]} for " in listed for found in codes.values())
    assert not any(path.exists() for path in notes.values())

    # The model is told in the same conversation; the one on this machine says what it was told.
    assert 'Your message "for site: ' in await world.ask(f"CONTINUE {codes['site'][0]}")
    await world.answer("Your work on the message")
    assert not notes["site"].exists()
    assert "used already" in await world.ask(f"retry {codes['site'][0]}")

    assert "runs again from its beginning." in await world.ask("RETRY")  # only one is left
    await until(notes["shop"].exists, "it is done again", 60)
    assert len(world.turns("running")) == 1
    assert (await world.ask("ABORT")).startswith("[shop] Stopped.")
