"""Opening a database: to read it, to migrate it, and one that was lost."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import UserId
from supervisor.store import open_store, open_to_read
from supervisor.store.ports.ledger import CostQuery
from supervisor.store.sqlite.database import SqliteDatabase
from supervisor.store.sqlite.migrate import migrate, released
from supervisor.store.sqlite.opening import DatabaseLost, NoDatabase
from supervisor.store.sqlite.store import SqliteStore
from tests.slowness import scaled
from tests.supervisor.store.builders import NOW, question, seal
from tests.waiting import until

VERSION_1 = Path(__file__).parents[1] / "version_1.sql"


def everything(folder: Path) -> dict[str, bytes]:
    """Return the content of each file, without the index of the log, which readers may write."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}


def of_version_1(path: Path) -> Path:
    """Make a database of the first version, with rows."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection, released()[:1])
        connection.executescript(VERSION_1.read_text(encoding="utf-8"))
    path.chmod(0o600)
    return path


def version(path: Path) -> int:
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


# To read


async def test_a_database_that_is_read_stays_as_it_is(tmp_path: Path) -> None:
    path = of_version_1(tmp_path / "x.db")
    before = everything(tmp_path)
    store = await open_to_read(path, seal=seal)
    assert await store.check() == []
    assert await store.versions() == (1, released()[-1].version)
    assert await store.audit.verify() is None
    await store.backup(tmp_path / "copy.db")
    with pytest.raises(StorageError, match="readonly"):
        await store.audit.record("cli", "user.added", {}, now_ms=NOW)
    await store.close()
    assert version(tmp_path / "copy.db") == 1
    (tmp_path / "copy.db").unlink()
    assert everything(tmp_path) == before


async def test_what_a_killed_daemon_left_in_the_log_is_read_and_stays_there(tmp_path: Path) -> None:
    living, killed = tmp_path / "living", tmp_path / "killed"
    store = await open_store(living / "x.db", seal=seal)
    await store.audit.record("cli", "user.added", {}, now_ms=NOW)
    killed.mkdir()
    for name in ("x.db", "x.db-wal"):
        (killed / name).write_bytes((living / name).read_bytes())
    await store.close()
    before = everything(killed)
    assert before["x.db-wal"]
    reading = await open_to_read(killed / "x.db", seal=seal)
    assert (await reading.audit.last(), await reading.audit.verify()) == (1, None)
    await reading.close()
    assert everything(killed) == before


# To migrate


async def test_a_copy_is_kept_before_a_database_is_migrated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = of_version_1(tmp_path / "x.db")
    with caplog.at_level(logging.INFO):
        await (await open_store(path, seal=seal)).close()
    copy = tmp_path / "x.db.version-1"
    assert (version(path), version(copy)) == (released()[-1].version, 1)
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM turns").fetchone()[0] > 0
    assert f"from version 1 to {released()[-1].version}; a copy from before is {copy}" in caplog.text
    copy.unlink()
    await (await open_store(path, seal=seal)).close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.db"], "no copy without a migration"


async def test_without_a_copy_nothing_is_migrated(tmp_path: Path) -> None:
    path = of_version_1(tmp_path / "x.db")
    (tmp_path / "x.db.version-1").mkdir()
    with pytest.raises(StorageError, match="could not be written"):
        await open_store(path, seal=seal)
    assert version(path) == 1


# Lost


@pytest.mark.parametrize("content", [None, b""])
async def test_a_database_that_is_missing_or_empty_is_lost_if_it_was_used(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "x.db"
    if content is not None:
        path.write_bytes(content)
    for opening in (open_store, open_to_read):
        with pytest.raises(DatabaseLost) as caught:
            await opening(path, seal=seal, used=True)
        assert str(path) in str(caught.value)
        assert "xswarm db backup" in caught.value.remedy
        assert str(tmp_path / "secrets") in caught.value.remedy
        with pytest.raises(NoDatabase):
            await open_to_read(path, seal=seal)
    assert (path.read_bytes() if path.exists() else None) == content
    await (await open_store(path, seal=seal)).close()
    assert version(path) == released()[-1].version


# Damaged


async def test_a_damaged_page_is_told_as_damage_and_not_as_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    store = await open_store(path, seal=seal)
    for _ in range(200):
        await store.turns.accept(question(text="x" * 2_000))
    await store.close()
    with path.open("r+b") as file:
        file.seek(8_192)
        file.write(os.urandom(path.stat().st_size - 8_192))
    with pytest.raises(StorageError) as caught:
        await use(path)
    assert "restore a backup" in caught.value.remedy
    assert "free disk space" not in caught.value.remedy


async def use(path: Path) -> None:
    """Open a damaged database, check it, and write to it."""
    store = await open_store(path, seal=seal)
    try:
        assert await store.check() != []
        await store.turns.accept(question())
    finally:
        await store.close()


# Long reads


async def test_a_check_delays_neither_cost_questions_nor_texts(tmp_path: Path) -> None:
    database = await SqliteDatabase.open(tmp_path / "x.db", seal)
    store, began, end = SqliteStore(database), threading.Event(), threading.Event()

    def long(connection: sqlite3.Connection) -> int:
        began.set()
        assert end.wait(scaled(60.0))
        return int(connection.execute("SELECT 7").fetchone()[0])

    examined = database.examine(long)
    task = asyncio.create_task(examined)
    await until(began.is_set, "the check runs")
    await store.turns.accept(question())
    await store.ledger.cost(CostQuery(user_id=UserId("alice")))
    await store.ledger.cost(CostQuery(user_id=UserId("alice"), group_by="model"))
    assert await store.audit.verify() is None
    end.set()
    assert await task == 7
    await store.close()


async def test_the_total_of_a_user_does_not_wait_for_rows_of_another_query(tmp_path: Path) -> None:
    database = await SqliteDatabase.open(tmp_path / "x.db", seal)
    store, began, end = SqliteStore(database), threading.Event(), threading.Event()

    def long(connection: sqlite3.Connection) -> None:
        began.set()
        assert end.wait(scaled(60.0))

    task = asyncio.create_task(database.scan(long))
    await until(began.is_set, "the scan runs")
    await store.ledger.cost(CostQuery(user_id=UserId("alice"), since_day=20_000))
    await store.ledger.cost(CostQuery(user_id=UserId("alice")))
    await store.ledger.cost(CostQuery())
    end.set()
    await task
    await store.close()


async def test_closing_the_store_ends_a_check(tmp_path: Path) -> None:
    database = await SqliteDatabase.open(tmp_path / "x.db", seal)
    began = threading.Event()

    def endless(connection: sqlite3.Connection) -> None:
        began.set()
        connection.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        ).fetchone()

    task = asyncio.create_task(database.examine(endless))
    await until(began.is_set, "the check runs")
    await database.close()
    with pytest.raises(StorageError, match="interrupted"):
        await task
