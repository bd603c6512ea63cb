"""The daemons that the tests of the chat share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.chatting import add_user
from tests.e2e.world import World


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One daemon for all tests of a file: the assistant asks the offline model, Claude Code is an echo."""
    async with World(tmp_path_factory.mktemp("world"), connector="echo") as world:
        await world.start()
        await add_user(world, "bob", "COORDINATOR")
        await add_user(world, "olga", "OPERATOR")
        yield world
