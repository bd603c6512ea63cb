"""The whole daemon on PostgreSQL: texts are answered, also after a kill and while the server comes and goes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from tests.e2e.world import World
from tests.postgres_server import PostgresServer, started_server
from tests.waiting import until

pytestmark = [pytest.mark.postgres, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

PASSWORD = "canary-of-the-database's-password"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with started_server() as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE locked LOGIN PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}'")
            connection.execute("CREATE DATABASE xswarm OWNER locked ENCODING 'UTF8' TEMPLATE template0")
        yield server


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory, server: PostgresServer) -> AsyncIterator[World]:
    tables = f'[store]\nurl = "{server.url("xswarm", "locked")}"\n'
    secrets = {"XSWARM_STORE_PASSWORD": PASSWORD}
    async with World(tmp_path_factory.mktemp("world"), connector="echo", tables=tables, secrets=secrets) as world:
        await world.start()
        yield world


async def test_the_first_start_notes_the_key_of_the_audit_trail(world: World, server: PostgresServer) -> None:
    with psycopg.connect(server.url("xswarm", "locked"), password=PASSWORD) as connection:
        found = connection.execute("SELECT count(*) FROM marks WHERE name = 'key of the audit trail'").fetchone()
    assert found == (1,)


async def test_a_text_is_answered_and_the_conversation_outlives_a_kill(world: World) -> None:
    assert "hello" in await world.ask("claude: hello")
    world.daemon.send_signal(signal.SIGKILL)
    await world.daemon.ended()
    await world.start()
    assert "again" in await world.ask("claude: and again")
    sessions = (await world.operator("GET", "/api/claude-code/sessions")).json()["sessions"]
    assert [session["message_count"] for session in sessions] == [2]
    assert not (world.daemon.state / "xswarm.db").exists()


async def test_the_commands_of_the_database_know_the_engine(world: World, tmp_path: Path) -> None:
    assert "The sums of the database agree; `pg_amcheck`" in (await world.daemon.xswarm("db", "check")).out
    backup = await world.daemon.xswarm("db", "backup", str(tmp_path / "copy"))
    assert backup.code != 0
    assert "use pg_dump" in backup.err
    assert "intact" in (await world.daemon.xswarm("audit", "verify")).out


async def test_while_the_server_is_away_nothing_is_accepted_and_nothing_is_lost(
    world: World, server: PostgresServer
) -> None:
    await asyncio.to_thread(server.control, "stop", "-m", "fast")
    try:
        assert await world.text("claude: while it is away") == 503
        status, parts = await world.ready()
        assert (status, parts["store"]) == (503, "failed")
    finally:
        await asyncio.to_thread(server.control, "start")
    await until(lambda: is_ready(world), "it is ready again")
    assert "back" in await world.ask("claude: it is back")


async def is_ready(world: World) -> bool:
    """Return whether the daemon says that it is ready."""
    return (await world.ready())[0] == 200


async def test_a_daemon_that_is_stopped_leaves_a_sound_database_and_no_password(world: World) -> None:
    await world.daemon.stop()
    doctor = await world.daemon.xswarm("doctor")
    assert "its totals agree; `pg_amcheck` of PostgreSQL checks the structure" in doctor.out
    assert PASSWORD not in "\n".join(world.daemon.log) + doctor.out + doctor.err
