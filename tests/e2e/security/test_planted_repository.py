"""A project that allows edits, with the real Claude Code: what would make a folder a git repository is asked about."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.world import World, script
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        await world.start()
        yield world


def written(world: World, *names: str) -> str:
    """Return a prompt that has files written, one after the other."""
    folder = world.project()
    steps = [
        {"tools": [{"name": "Write", "input": {"file_path": str(folder / name), "content": "x\n"}}]} for name in names
    ]
    return "in the code: " + script(*steps, {"text": "it is over"})


@pytest.mark.parametrize("names", [("a/refs/x", "a/HEAD"), ("a/config", "a/objects/x"), ("a/x", ".envrc")])
async def test_the_second_file_is_asked_about(world: World, names: tuple[str, str]) -> None:
    await world.text(written(world, *names))
    question = await world.answer(f"Write {world.project() / names[1]}")
    assert (world.project() / names[0]).exists()
    assert not (world.project() / names[1]).exists()
    found = re.search(r"NO ([A-Z]{5})", question)
    assert found is not None
    await world.ask(f"NO {found[1]}")
    await until(lambda: not world.turns("running"), "it is over", 15)
    assert not (world.project() / names[1]).exists()
