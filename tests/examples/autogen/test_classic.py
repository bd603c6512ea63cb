"""The example for AutoGen 0.2 and for `autogen` 0.14: Claude Code works, and its work is taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples.autogen.playing import play, world_of

pytestmark = [pytest.mark.autogen, pytest.mark.e2e, pytest.mark.cli_process]


@pytest.mark.parametrize("package", ["pyautogen", "autogen"])
async def test_a_planner_lets_claude_code_work_and_takes_it_back(tmp_path: Path, package: str) -> None:
    async with world_of(tmp_path) as world:
        await world.start()
        await play(world, "classic.py", package)
