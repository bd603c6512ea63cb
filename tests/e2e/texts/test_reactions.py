"""A phone reports a reaction to an answer, over the real webhook: it starts no turn and gets no answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.world import World

pytestmark = pytest.mark.e2e


async def test_a_reaction_to_an_answer_starts_no_turn(tmp_path: Path) -> None:
    async with World(tmp_path, connector="echo", projects=()) as world:
        await world.start()
        answer = await world.ask("assistant: hello")
        turns = len(world.turns("completed"))
        for reaction in (
            f"Liked “{answer}”",
            f"Gefällt „{answer}“",
            f"👍 to “{answer}”",
            f"Removed a like from “{answer}”",
        ):
            assert await world.text(reaction) == 200
        assert len(world.turns("completed")) == turns
        assert world.turns("pending") == world.turns("running") == []
        assert world.answers() == [answer]
        assert await world.ask("assistant: hello again") != ""
        assert len(world.turns("completed")) == turns + 1
