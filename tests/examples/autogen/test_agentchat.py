"""The example for AutoGen 0.7: Claude Code writes and tests code, which is then taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples.autogen.playing import play, world_of

pytestmark = [pytest.mark.autogen, pytest.mark.e2e, pytest.mark.cli_process]


async def test_a_planner_of_agentchat_lets_claude_code_work_and_takes_it_back(tmp_path: Path) -> None:
    async with world_of(tmp_path) as world:
        await world.start()
        await play(world, "agentchat.py", "agentchat")
