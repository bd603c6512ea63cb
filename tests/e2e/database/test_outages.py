"""The server of the database goes away under load: nothing acknowledged is lost, no turn fails, the daemon goes on.

XSWARM_OUTAGE_SECONDS says how long the long outage is (`make soak`: 30).
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import psycopg
import pytest

from supervisor.protocol.status import TurnState
from tests.disks import fill
from tests.e2e.loop import World, run_through
from tests.e2e.world import World as Echoes
from tests.postgres_server import PostgresServer, started_server
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.soak, pytest.mark.cli_process]

LONG_SECONDS = float(os.environ.get("XSWARM_OUTAGE_SECONDS", "4"))
ROUNDS = int(os.environ.get("XSWARM_KILLS", "2"))
END_ALL = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name LIKE 'xswarm %%' AND (state = 'active' OR %s)
"""


async def away(world: World, server: PostgresServer, seconds: float, how: str) -> None:
    """Stop the server at any moment, and start it again after that many seconds; the daemon runs on."""
    pick, pid = random.Random(how), world.daemon.pid
    await world.some_answers(pick.randint(1, 4))
    await asyncio.sleep(pick.uniform(0, 0.6))  # no fact to wait for: any moment will do
    await asyncio.to_thread(server.control, "stop", "-m", how)
    try:
        await asyncio.sleep(seconds)  # the outage itself
    finally:
        await asyncio.to_thread(server.control, "start")
    await world.some_answers(4)
    assert (world.daemon.running, world.daemon.pid) == (True, pid)


@pytest.mark.parametrize("how", ["fast", "immediate"])
async def test_a_server_that_is_away_for_a_second_and_for_long(
    tmp_path: Path, server: PostgresServer, url: str, how: str
) -> None:
    async def trouble(world: World) -> None:
        for seconds in (1.0, LONG_SECONDS):
            await away(world, server, seconds, how)

    await run_through(tmp_path, url, trouble, ends={TurnState.COMPLETED})


async def test_processes_of_the_server_that_are_killed_in_the_middle_of_transactions(
    tmp_path: Path, server: PostgresServer, url: str
) -> None:
    async def trouble(world: World) -> None:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            for number in range(5 * ROUNDS):
                await world.some_answers(1)
                busy = number % 2  # every second time those alone that do something
                await until(lambda: connection.execute(END_ALL, (not busy,)).fetchall(), "some are ended")  # noqa: B023

    await run_through(tmp_path, url, trouble, ends={TurnState.COMPLETED})


async def test_a_disk_of_the_server_that_is_full(tmp_path: Path) -> None:
    with started_server("160m") as server:
        tables = f'[store]\nurl = "{server.create("world")}"\n'
        async with Echoes(tmp_path, connector="echo", tables=tables) as world:
            await world.start()
            accepted = 0
            filler = fill(server.folder)
            while (status := await world.text(f"claude: {accepted} {os.urandom(700).hex()}")) == 200:
                accepted += 1
            assert status == 503
            assert not await is_ready(world)
            filler.unlink()
            if not server.runs:
                await asyncio.to_thread(server.control, "start")
            await until(lambda: is_ready(world), "it is ready again", timeout=60)
            assert await world.text("claude: there is room again") == 200
            await until(lambda: len(world.answers()) == accepted + 1, "everything is answered", timeout=120)
            assert "The sums of the database agree" in (await world.daemon.xswarm("db", "check")).out
            assert "intact" in (await world.daemon.xswarm("audit", "verify")).out


async def is_ready(world: Echoes) -> bool:
    """Return whether the daemon says that it is ready."""
    return (await world.ready())[0] == 200
