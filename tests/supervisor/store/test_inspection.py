"""A database that is only looked at stays as it is, to the last byte and file."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.protocol.errors import ConfigError, StorageError
from supervisor.store import open_store
from supervisor.store.inspection import inspect
from supervisor.store.sqlite.migrate import migrate, released
from tests.supervisor.store.builders import seal

VERSION_1 = Path(__file__).with_name("version_1.sql")


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def made(folder: Path) -> Path:
    """Return a database of this version, closed."""
    path = folder / "x.db"
    await (await open_store(path, seal=seal)).close()
    return path


async def test_a_database_of_this_version_is_sound_and_nothing_lies_beside_it_then(tmp_path: Path) -> None:
    path = await made(tmp_path)
    before = everything(tmp_path)
    found = inspect(path)
    assert (found.problems, found.users, found.reachable) == ([], 0, 0)
    assert found.version == found.newest == released()[-1].version
    assert everything(tmp_path) == before


def test_an_older_database_is_not_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection, released()[:1])
        connection.executescript(VERSION_1.read_text(encoding="utf-8"))
    before = everything(tmp_path)
    found = inspect(path)
    assert (found.version, found.problems) == (1, [])
    assert everything(tmp_path) == before


async def test_the_last_writes_of_a_killed_daemon_count_and_stay_in_the_log(tmp_path: Path) -> None:
    path = await made(tmp_path)
    killed = tmp_path / "killed"
    killed.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO users (id, name, role, created_ms) VALUES ('ann', 'Ann', 'ADMIN', 0)")
        for file in (path, path.with_name("x.db-wal")):  # as they lie there while it is open
            shutil.copyfile(file, killed / file.name)
    before = everything(killed)
    assert before["x.db-wal"]
    assert inspect(killed / "x.db").users == 1
    assert everything(killed) == before
    assert inspect(path).users == 1


async def test_damage_is_reported(tmp_path: Path) -> None:
    path = await made(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("INSERT INTO addresses (kind, value, user_id) VALUES ('phone', '+15550100', 'nobody')")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert any("addresses" in problem for problem in inspect(path).problems)


async def test_a_newer_one_and_one_that_is_none_are_refused(tmp_path: Path) -> None:
    path = await made(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 9999")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with pytest.raises(ConfigError, match="the database has version 9999"):
        inspect(path)
    path.write_bytes(os.urandom(10_000))
    with pytest.raises(StorageError, match="cannot be read"):
        inspect(path)
