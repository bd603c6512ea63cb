"""The copy from SQLite to PostgreSQL: nothing differs, and it is complete or does not exist."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from supervisor.protocol.errors import ConfigError
from supervisor.protocol.messages import MessageId, UserId
from supervisor.protocol.status import OutboxState, Role
from supervisor.store.copying import copy as module
from supervisor.store.copying.copied import Copied, NotCopied
from supervisor.store.copying.copy import Address, NotEmpty
from supervisor.store.copying.rows import write_rows
from supervisor.store.copying.tables import Table
from supervisor.store.ports.cluster.nodes import KeyChecks, NewNode
from supervisor.store.postgres.connection import PgConnection
from supervisor.store.postgres.store import open_postgres
from supervisor.store.records.accounts import User
from supervisor.store.sqlite.migrate import released
from supervisor.store.sqlite.opening import NoDatabase
from supervisor.store.sqlite.store import open_store
from tests.postgres_server import PostgresServer, wait_until_left
from tests.supervisor.store.builders import NOW, charge, draft, outcome, prompt, question, running, seal, with_session

pytestmark = pytest.mark.postgres

TURNS = 5


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A database with messages in every state, words that were searched, and a text with a NUL."""
    path = tmp_path / "xswarm.db"
    store = await open_store(path, seal=seal)
    for name in ("alice", "bob"):
        await store.accounts.put_user(User(id=UserId(name), name=name, role=Role.ADMIN), now_ms=NOW)
    await with_session(store)
    for number in range(TURNS):
        turn = await running(store, prompt(text=f"größer {number}: café", message_id=MessageId(f"m{number}")))
        replies = [draft(f"o{number}", text=None), draft(f"p{number}", text="more")]
        await store.turns.finish(turn.id, outcome(charges=[charge(f"c{number}", 7)], replies=replies))
    await store.turns.accept(question(text="and how", message_id=MessageId("waiting")))
    assert await store.search.find(UserId("alice"), "cafe", limit=9)
    await store.close()
    change(path, "UPDATE claude_code_messages SET message = message || char(0) WHERE seq = 2")
    return path


def change(path: Path, sql: str) -> None:
    """Change the file behind the back of the store."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(sql)


def copied(path: Path, url: str) -> Copied:
    return module.copy(Address(url), path, seal)


def tables(url: str) -> int:
    """Return how many tables a database in PostgreSQL has."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert row is not None
    return int(row[0])


async def test_everything_is_there_and_goes_on_where_it_was(path: Path, empty_url: str) -> None:
    done = copied(path, empty_url)
    assert (done.problems, done.file) == ([], path.with_name("xswarm.db.copied"))
    assert done.rows > 50
    assert not path.exists()
    store = await open_postgres(Address(empty_url), seal=seal, used=True)
    try:
        assert store.epoch == 2
        assert await store.check() == []
        assert await store.audit.verify() is None
        results = [await store.turns.result(MessageId(f"m{number}")) for number in range(TURNS)]
        assert [found and (found.turn.text, found.cost_nanos) for found in results] == [
            (f"größer {number}: café", 7) for number in range(TURNS)
        ]
        assert len(await store.search.find(UserId("alice"), "grosser cafe", limit=9)) == 0
        assert len(await store.search.find(UserId("alice"), "großer cafe", limit=9)) == TURNS
        assert await store.outbox.counts() == await counts_of(done.file)
        assert await store.turns.pending_count() == 1
        assert (await store.turns.accept(prompt(text="the next"))).written
        last = await store._database.read(lambda reading: reading.execute("SELECT max(id) FROM turns").fetchone())
        assert last == (TURNS + 2,)
        assert await store.audit.verify() is None
    finally:
        await store.close()


async def test_only_a_node_with_the_key_of_the_trail_begins_on_the_copy(path: Path, empty_url: str) -> None:
    module.copy(Address(empty_url), path, seal, 7)
    node = NewNode(name="b", seat="b", keys=KeyChecks(cluster=1, audit=8))
    with pytest.raises(ConfigError, match="seal the audit trail with another key"):
        await open_postgres(Address(empty_url, node=node), seal=seal)
    right = replace(node, keys=KeyChecks(cluster=1, audit=7))
    await (await open_postgres(Address(empty_url, node=right), seal=seal)).close()


async def counts_of(path: Path) -> dict[OutboxState, int]:
    """Return what waits in a SQLite database."""
    store = await open_store(path, seal=seal)
    try:
        return await store.outbox.counts()
    finally:
        await store.close()


def test_what_a_killed_daemon_left_in_its_log_is_copied(path: Path, empty_url: str, tmp_path: Path) -> None:
    write = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA wal_autocheckpoint = 0');"
        "c.execute(\"INSERT INTO marks VALUES ('late', 7)\"); c.commit(); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", write, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.with_name("xswarm.db-wal").stat().st_size
    copied(path, empty_url)
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT value FROM marks WHERE name = 'late'").fetchone() == (7,)
    assert [file.name for file in tmp_path.iterdir()] == ["xswarm.db.copied"]


def test_what_the_database_says_about_itself_is_copied_and_told(path: Path, empty_url: str) -> None:
    change(
        path,
        "DROP TRIGGER audit_keeps_values; UPDATE audit SET actor = 'nobody' WHERE seq = 1;"
        "UPDATE totals SET nanos = nanos + 1 WHERE scope = 'system'",
    )
    sums, chain = copied(path, empty_url).problems
    assert sums.startswith("totals of system")
    assert chain == "audit row 1 was changed"


@pytest.mark.parametrize("number", [1, 20, 40])
def test_a_copy_that_is_interrupted_leaves_nothing_and_begins_anew(
    path: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    at_table(monkeypatch, number, interrupt)
    with pytest.raises(KeyboardInterrupt):
        copied(path, empty_url)
    assert tables(empty_url) == 0
    monkeypatch.undo()
    assert copied(path, empty_url).rows


def interrupt(_: PgConnection, __: Table) -> None:
    """Press Ctrl-C."""
    raise KeyboardInterrupt


def at_table(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[PgConnection, Table], None]) -> None:
    """Do something when a table is filled: the one with this number, from 1."""
    write, left = write_rows, [number]

    def acting(target: PgConnection, table: Table, rows: object) -> None:
        write(target, table, rows)  # type: ignore[arg-type]
        left[0] -= 1
        if left[0] == 0:
            act(target, table)

    monkeypatch.setattr(module, "write_rows", acting)


def test_a_server_that_goes_away_is_told_and_leaves_nothing(
    path: Path, empty_url: str, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(_: PgConnection, __: Table) -> None:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'bare'")

    at_table(monkeypatch, 3, end)
    with pytest.raises(NotCopied, match="The database was not copied: PostgreSQL: ") as refused:
        copied(path, empty_url)
    assert "see that PostgreSQL runs" in refused.value.remedy
    assert tables(empty_url) == 0
    assert path.exists()


def test_a_row_that_differs_is_noticed(path: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def tamper(target: PgConnection, table: Table) -> None:
        target.script("UPDATE users SET name = 'Bobby' WHERE id = 'bob'")

    at_table(monkeypatch, 40, tamper)
    with pytest.raises(NotCopied, match=r"would differ from the file in users \['bob'\]"):
        copied(path, empty_url)
    assert tables(empty_url) == 0


def test_a_kill_in_the_middle_leaves_nothing(path: Path, empty_url: str) -> None:
    code = (
        "import os, sys; from pathlib import Path; from supervisor.store.copying import copy as m;"
        "from tests.supervisor.store.builders import seal; m.compare_rows = lambda *_: os.kill(os.getpid(), 9);"
        "m.copy(m.Address(sys.argv[1]), Path(sys.argv[2]), seal)"
    )
    root = Path(__file__).parents[4]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root)}
    killed = subprocess.run([sys.executable, "-c", code, empty_url, str(path)], cwd=root, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    wait_until_left(empty_url)
    assert tables(empty_url) == 0
    assert copied(path, empty_url).rows


def test_an_installation_is_not_overwritten(path: Path, url: str) -> None:
    with pytest.raises(NotEmpty, match="is not empty: it holds an installation of version") as refused:
        copied(path, url)
    assert "if an earlier copy was completed, start the daemon" in refused.value.remedy
    assert path.exists()


def test_tables_of_something_else_are_left_alone(path: Path, empty_url: str) -> None:
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
    with pytest.raises(NotEmpty, match="it has tables of something else"):
        copied(path, empty_url)
    assert tables(empty_url) == 1


def test_a_newer_database_in_postgresql_is_refused(path: Path, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO migrations (version, name, sha256, applied_ms) VALUES (9999, 'later', 'x', 0)")
        connection.execute("UPDATE schema SET min_version = 9999")
    with pytest.raises(ConfigError, match="has version 9999, this program knows only up to"):
        copied(path, url)


@pytest.mark.parametrize(
    ("version", "why"),
    [(released()[-1].version - 1, "this command copies version"), (9999, "this program knows only up to")],
)
def test_a_file_of_another_version_is_refused(path: Path, empty_url: str, version: int, why: str) -> None:
    change(path, f"PRAGMA user_version = {version}")
    with pytest.raises(ConfigError, match=why):
        copied(path, empty_url)
    assert tables(empty_url) == 0


def test_without_a_file_there_is_nothing_to_copy(tmp_path: Path, empty_url: str) -> None:
    with pytest.raises(NoDatabase):
        copied(tmp_path / "xswarm.db", empty_url)
    (tmp_path / "xswarm.db").touch()
    with pytest.raises(NoDatabase):
        copied(tmp_path / "xswarm.db", empty_url)


def test_a_second_copy_says_that_there_was_one(path: Path, empty_url: str) -> None:
    copied(path, empty_url)
    with pytest.raises(NotCopied, match=r"xswarm\.db\.copied exists, so it was copied before") as refused:
        copied(path, empty_url)
    assert "start the daemon" in refused.value.remedy


def test_a_damaged_file_is_refused(path: Path, empty_url: str) -> None:
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(NotCopied, match="The database was not copied") as refused:
        copied(path, empty_url)
    assert "restore a backup" in refused.value.remedy


def test_a_server_that_is_not_there_is_told(path: Path) -> None:
    with pytest.raises(NotCopied, match="PostgreSQL: ") as refused:
        copied(path, "postgresql://xswarm@127.0.0.1:9/xswarm")
    assert "see that PostgreSQL runs" in refused.value.remedy
    assert path.exists()
