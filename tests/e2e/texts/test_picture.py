"""A picture by text, over the real webhook: with words they are worked on, alone it is answered at no cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.world import World

pytestmark = pytest.mark.e2e


async def test_a_picture_alone_is_told_and_starts_no_turn(tmp_path: Path) -> None:
    async with World(tmp_path, connector="echo", projects=()) as world:
        await world.start()
        told = await world.ask("", media=1)
        assert told == (
            "Your text message has no text, only 1 attachment (a picture or another file). "
            "Attachments are not read here: write what is to be done."
        )
        assert world.turns("completed") == world.turns("pending") == world.turns("running") == []


async def test_the_words_beside_a_picture_are_worked_on(tmp_path: Path) -> None:
    async with World(tmp_path, connector="echo", projects=()) as world:
        await world.start()
        assert "what is on the picture?" in await world.ask("assistant: what is on the picture?", media=1)
