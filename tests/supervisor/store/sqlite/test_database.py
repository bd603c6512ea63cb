"""The SQLite file itself: privacy, full disks, versions, damage, speed of access paths, size."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.protocol.errors import ConfigError, StorageError
from supervisor.store import SqliteStore, open_store
from supervisor.store.messages import accept
from supervisor.store.sqlite.database import SqliteDatabase
from supervisor.store.transaction import Transaction
from tests.supervisor.store.builders import (
    NOW,
    charge,
    draft,
    outcome,
    prompt,
    question,
    running,
    seal,
    with_session,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "state" / "xswarm.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    """A store, open."""
    store = await open_store(path, seal=seal)
    yield store
    await store.close()


def plain(path: Path) -> sqlite3.Connection:
    """Open the file as an outside tool does."""
    return sqlite3.connect(path, isolation_level=None)


async def test_files_are_private_and_the_log_is_gone_after_closing(path: Path) -> None:
    store = await open_store(path, seal=seal)
    await store.turns.accept(question())
    assert path.parent.stat().st_mode & 0o777 == 0o700
    files = sorted(path.parent.iterdir())
    assert [file.suffix for file in files] == [".sqlite3", ".sqlite3-shm", ".sqlite3-wal"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    await store.close()
    assert list(path.parent.iterdir()) == [path]


async def test_each_start_is_a_new_epoch(path: Path) -> None:
    epochs = []
    for _ in range(3):
        store = await open_store(path, seal=seal)
        epochs.append(store.epoch)
        await store.close()
    assert epochs == [1, 2, 3]


async def test_a_file_that_is_no_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    garbage = tmp_path / "x.sqlite3"
    garbage.write_bytes(b"certainly not a database" * 100)
    with pytest.raises(StorageError, match="file is not a database"):
        await open_store(garbage, seal=seal)


# Full disk


async def test_a_full_database_refuses_writes_reads_on_and_recovers(path: Path) -> None:
    database = await SqliteDatabase.open(path, seal)
    kept = await database.write(lambda tx: accept.accept(tx, question()))
    room = await database.write(lambda tx: tx.execute("PRAGMA page_count").fetchone()[0])
    # The limit holds for the connection: what SQLite does is what it does on a full disk.
    await limit_pages(database, room + 8)
    with pytest.raises(StorageError, match="full"):
        await fill(SqliteStore(database))
    assert await database.read(lambda c: c.execute("SELECT count(*) FROM inbox").fetchone()[0]) >= 1
    await limit_pages(database, 1 << 30)
    again = await database.write(lambda tx: accept.accept(tx, question()))
    assert again.message_id != kept.message_id
    await database.close()


async def fill(store: SqliteStore) -> None:
    """Accept messages until the disk is full."""
    for _ in range(1_000):
        await store.turns.accept(question(text="x" * 5_000))


async def limit_pages(database: SqliteDatabase, pages: int) -> None:
    """Let the file grow to so many pages and no further."""
    await database.write(lambda tx: tx.execute(f"PRAGMA max_page_count = {pages:d}").fetchall())


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/proc/mounts").exists(), reason="mounting needs root")
async def test_a_full_disk_refuses_writes_reads_on_and_recovers(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        store = await open_store(disk / "x.sqlite3", seal=seal)
        kept = question(text="kept")
        await store.turns.accept(kept)
        with pytest.raises(StorageError) as caught:
            await fill(store)
        assert "state.dir" in caught.value.remedy
        result = await store.turns.result(kept.message_id)
        assert result is not None
        assert result.turn.text == "kept"
        subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
        await store.turns.accept(question())
        assert await store.check() == []
        await store.close()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


async def test_a_turn_whose_end_could_not_be_written_can_be_finished_later(path: Path) -> None:
    database = await SqliteDatabase.open(path, seal)
    store = SqliteStore(database)
    await with_session(store)
    turn = await running(store, prompt())
    await store.ledger.journal(turn.id, charge("c1", 5))
    end = outcome(answer="x" * 500_000, charges=[charge("c2", 6)], replies=[draft(text=None)])
    room = await database.write(lambda tx: tx.execute("PRAGMA page_count").fetchone()[0])
    await limit_pages(database, room + 4)
    with pytest.raises(StorageError):
        await store.turns.finish(turn.id, end)
    assert await store.outbox.due("sms", now_ms=NOW, limit=9) == []
    await limit_pages(database, 1 << 30)
    settled = await store.turns.finish(turn.id, end)
    assert settled is not None
    assert settled.cost_nanos == 11
    assert await store.check() == []
    await store.close()


async def test_a_bug_in_one_write_fails_that_write_alone(path: Path) -> None:
    database = await SqliteDatabase.open(path, seal)

    def bug(tx: Transaction) -> None:
        tx.execute("DELETE FROM node")
        raise ZeroDivisionError

    def mark(tx: Transaction) -> int:
        return tx.execute("INSERT INTO marks VALUES ('m' || (SELECT count(*) FROM marks), 1)").rowcount

    marks = [database.write(mark) for _ in range(3)]
    ends = await asyncio.gather(*marks, database.write(bug), return_exceptions=True)
    assert ends[:3] == [1, 1, 1]
    assert isinstance(ends[3], ZeroDivisionError)
    assert await database.read(lambda c: c.execute("SELECT count(*) FROM node").fetchone()[0]) == 1
    await database.close()


async def test_writers_that_write_again_when_they_hear_of_a_commit_come_to_share_one(path: Path) -> None:
    database = await SqliteDatabase.open(path, seal)
    commits: list[Transaction] = []

    async def write_often() -> None:
        for _ in range(6):
            await database.write(commits.append)

    first = [asyncio.create_task(write_often()) for _ in range(4)]
    for _ in range(3):
        await asyncio.sleep(0)  # their group is on its way when the others come
    await asyncio.gather(*first, *(write_often() for _ in range(4)))
    await database.close()
    assert Counter(map(id, commits)).most_common(1)[0][1] == 8, "all of them in one commit"


async def test_readers_cannot_write(path: Path) -> None:
    database = await SqliteDatabase.open(path, seal)
    for read in (database.read, database.scan):
        with pytest.raises(StorageError, match="readonly"):
            await read(lambda connection: connection.execute("DELETE FROM node").rowcount)
    await database.close()


# What outside tools see


async def test_outside_tools_read_sessions_and_messages_by_their_published_columns(
    store: SqliteStore, path: Path
) -> None:
    await with_session(store)
    turn = await running(store, prompt(context={"ticket": 7}))
    await store.turns.finish(turn.id, outcome(charges=[charge("c1", 1_230_000_000)]))
    with closing(plain(path)) as connection:
        session = connection.execute(
            """SELECT id, user_id, project_path, status, cost_usd, message_count, started_at, ended_at, last_activity,
                      metadata, created_at, updated_at FROM claude_code_sessions"""
        ).fetchone()
        began, later = "2025-11-21T02:00:00.123Z", "2025-11-21T02:00:00.128Z"
        assert session == ("s1", "alice", "/srv/shop", "active", 1.23, 1, began, None, later, "{}", began, later)
        columns = "session_id, direction, message, timestamp, cost_usd, status, context, created_at"
        rows = connection.execute(f"SELECT {columns} FROM claude_code_messages ORDER BY timestamp").fetchall()
        assert rows == [
            ("s1", "to_claude", "run the tests", began, None, "completed", '{"ticket":7}', began),
            ("s1", "from_claude", "42 passed", later, 1.23, "completed", None, later),
        ]
        assert connection.execute("SELECT id FROM claude_code_messages").fetchone() == (turn.message_id,)
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("UPDATE claude_code_messages SET direction = 'sideways'")
        stats = connection.execute("SELECT session_id, cost_usd FROM claude_code_session_stats")
        assert stats.fetchone() == ("s1", 1.23)
        recent = connection.execute("SELECT user_id, message FROM claude_code_recent_messages").fetchall()
        assert recent == [("alice", "42 passed"), ("alice", "run the tests")]


async def test_a_body_is_stored_once(store: SqliteStore, path: Path) -> None:
    await with_session(store)
    asked, answered = "where is the needle?", "in the haystack"
    for message in (prompt(text=asked), question(text=asked)):
        turn = await running(store, message)
        await store.turns.finish(turn.id, outcome(answer=answered, replies=[draft(text=None)]))
    await store.close()
    content = path.read_bytes()
    assert (content.count(asked.encode()), content.count(answered.encode())) == (2, 2)


# Damage


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("UPDATE audit SET detail = '{}' WHERE seq = 3", "audit row 3 was changed"),
        ("UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 1", "audit row 1 was changed"),
        ("DELETE FROM audit WHERE seq = 2", "audit row 2 is missing"),
        ("UPDATE audit SET seq = seq + 100 WHERE seq = 5", "audit row 5 is missing"),
    ],
)
async def test_the_audit_chain_finds_an_edit_a_deletion_and_a_gap(path: Path, damage: str, sentence: str) -> None:
    store = await open_store(path, seal=seal)
    for n in range(5):
        await store.audit.record("cli", "user.added", {"n": n}, now_ms=NOW)
    await store.close()
    with closing(plain(path)) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="only ever appended to"):
            connection.execute(damage)
        connection.executescript("DROP TRIGGER audit_keeps_rows; DROP TRIGGER audit_keeps_values;")
        connection.execute(damage)
    store = await open_store(path, seal=seal)
    assert await store.audit.verify() == sentence
    await store.close()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("UPDATE totals SET nanos = nanos + 1 WHERE scope = 'user'", "totals of user 'alice'"),
        ("UPDATE daily_totals SET messages = 0 WHERE scope = 'system'", "totals of system '' on 2025-11-21"),
        ("UPDATE claude_code_sessions SET cost_nanos = 0", "session s1: its record says 0 nanodollars"),
        ("UPDATE claude_code_sessions SET message_count = 5", "session s1: its record says 5 messages"),
        ("UPDATE claude_code_messages SET cost_nanos = 1 WHERE cost_nanos > 0", "it shows 1 nanodollars"),
    ],
)
async def test_the_check_names_a_sum_that_does_not_agree(path: Path, damage: str, sentence: str) -> None:
    store = await open_store(path, seal=seal)
    await with_session(store)
    turn = await running(store, prompt())
    await store.turns.finish(turn.id, outcome(charges=[charge("c1", 9)]))
    await store.close()
    with closing(plain(path)) as connection:
        connection.execute(damage)
    store = await open_store(path, seal=seal)
    assert any(sentence in problem for problem in await store.check())
    await store.close()


async def test_a_backup_is_a_working_database(store: SqliteStore, tmp_path: Path) -> None:
    await with_session(store)
    turn = await running(store, prompt())
    copy = tmp_path / "copy.sqlite3"
    await asyncio.gather(store.backup(copy), *(store.turns.accept(prompt()) for _ in range(50)))
    assert not list(tmp_path.glob("copy.sqlite3?*"))
    restored = await open_store(copy, seal=seal)
    assert [left.message_id for left in await restored.turns.unfinished()] == [turn.message_id]
    assert await restored.check() == []
    assert await restored.audit.verify() is None
    await restored.close()


async def test_a_newer_database_is_refused_with_a_remedy(path: Path) -> None:
    await (await open_store(path, seal=seal)).close()
    with closing(plain(path)) as connection:
        connection.execute("PRAGMA user_version = 9999")
    with pytest.raises(ConfigError, match="version 9999, this program knows only up to") as caught:
        await open_store(path, seal=seal)
    assert "newer xswarm" in caught.value.remedy
