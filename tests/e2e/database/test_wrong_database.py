"""A daemon does not start on a database that is not its own, and says what to do."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.e2e.process import DaemonProcess
from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]

ECHO = """
[claude_code]
connector = "echo"

[store]
url = "{url}"
"""


def daemon_on(folder: Path, url: str) -> DaemonProcess:
    return DaemonProcess(folder, config=ECHO.format(url=url), arguments=("--offline",))


async def told(daemon: DaemonProcess) -> str:
    """Return the sentence of a daemon that does not start."""
    ended = await daemon.fails_to_start()
    assert (ended.code, ended.out) == (1, ""), ended
    assert "Traceback" not in ended.err
    return ended.err[ended.err.index("xswarm: ") :]


@pytest.mark.parametrize(
    ("user", "database", "why", "remedy"),
    [
        ("xswarm", "nowhere", 'database "nowhere" does not exist', "create the database of [store] url"),
        ("nobody", "postgres", 'role "nobody" does not exist', "check the user of [store] url"),
        ("locked", "postgres", "password", "check the user of [store] url, its password"),
    ],
)
async def test_a_wrong_url(
    tmp_path: Path, server: PostgresServer, user: str, database: str, why: str, remedy: str
) -> None:
    said = await told(daemon_on(tmp_path, server.url(database, user)))
    assert why in said.splitlines()[0]
    assert remedy in said.splitlines()[1]


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    said = await told(daemon_on(tmp_path, "postgresql://xswarm@127.0.0.1:9/xswarm"))
    assert "see that PostgreSQL runs and can be reached" in said.splitlines()[1]


async def test_a_newer_database(tmp_path: Path, url: str) -> None:
    daemon = daemon_on(tmp_path, url)
    async with daemon:
        pass
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO migrations (version, name, sha256, applied_ms) VALUES (9999, 'later', 'x', 0)")
        connection.execute("UPDATE schema SET min_version = 9999")
    said = await told(daemon)
    assert "store.url: the database has version 9999, this program knows only up to" in said
    assert "start the newer xswarm that wrote it" in said.splitlines()[1]
    doctor = await daemon.xswarm("doctor")
    assert "the database has version 9999" in doctor.out
