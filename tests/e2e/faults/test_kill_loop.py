"""Promises P1 to P8 over a whole daemon that is killed again and again: nothing lost, nothing twice, sums equal.

XSWARM_KILLS says how often the daemon is killed (`make soak`: many times).
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from tests.e2e.loop import World, run_through

DEFAULT_KILLS = 2


async def kill_again_and_again(world: World) -> None:
    """Kill the daemon at a random moment after some answers, and start it again."""
    kills = int(os.environ.get("XSWARM_KILLS", DEFAULT_KILLS))
    pick = random.Random(kills)
    for _ in range(kills):
        await world.some_answers(pick.randint(1, 4))
        await asyncio.sleep(pick.uniform(0, 0.6))  # no fact to wait for: any moment will do
        assert await world.daemon.stop(signal.SIGKILL) == -signal.SIGKILL
        await world.daemon.start()


@pytest.mark.e2e
@pytest.mark.soak
@pytest.mark.cli_process
@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def test_a_daemon_that_is_killed_again_and_again_loses_nothing_and_does_nothing_twice(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    url = request.getfixturevalue("url") if engine == "postgres" else ""
    await run_through(tmp_path, url, kill_again_and_again)
