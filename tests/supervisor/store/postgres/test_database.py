"""The daemon's database in PostgreSQL: on a server that is fit, and one that may go away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest

from supervisor.protocol.errors import ConfigError, StorageError
from supervisor.store.messages.accept import accept
from supervisor.store.postgres.checks import check_server
from supervisor.store.postgres.connection import PgConnection
from supervisor.store.postgres.database import CommitUnknown, PostgresDatabase
from supervisor.store.postgres.opening import Address, DatabaseLost
from supervisor.store.postgres.store import PostgresStore, open_postgres
from supervisor.store.transaction import Transaction
from tests.postgres_server import PostgresServer
from tests.supervisor.store.builders import question, seal
from tests.waiting import until

pytestmark = pytest.mark.postgres


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    """A store, open."""
    store = await open_postgres(Address(url), seal=seal)
    yield store
    await store.close()


def admin(server: PostgresServer) -> psycopg.Connection[Any]:
    """Connect as the server's administrator."""
    return psycopg.connect(server.url("postgres"), autocommit=True)


async def test_an_empty_database_that_was_in_use_is_lost(server: PostgresServer) -> None:
    with admin(server) as connection:
        connection.execute("CREATE DATABASE empty ENCODING 'UTF8' TEMPLATE template0")
    address = Address(server.url("empty"))
    with pytest.raises(DatabaseLost, match="/empty is empty"):
        await open_postgres(address, seal=seal, used=True)


async def test_another_encoding_than_utf8_is_refused(server: PostgresServer) -> None:
    with admin(server) as connection:
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(ConfigError, match="has the encoding LATIN1"):
        await open_postgres(Address(server.url("latin")), seal=seal)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
async def test_a_server_that_may_lose_data_is_refused(server: PostgresServer, url: str, setting: str) -> None:
    with admin(server) as connection:
        connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
        await until(lambda: connection.execute(f"SHOW {setting}").fetchone() == ("off",), "it is set")
        try:
            with pytest.raises(ConfigError, match=f"{setting} is off"):
                await open_postgres(Address(url), seal=seal)
        finally:
            connection.execute(f"ALTER SYSTEM RESET {setting}")
            connection.execute("SELECT pg_reload_conf()")
            await until(lambda: connection.execute(f"SHOW {setting}").fetchone() == ("on",), "it is set back")


def test_two_connections_of_one_process_are_refused(url: str) -> None:
    connection = PgConnection(url, "pooled")
    try:
        with pytest.raises(ConfigError, match="pgbouncer"):
            check_server(connection, connection)
    finally:
        connection.close()


async def test_commits_wait_for_the_disk_whatever_the_server_says(server: PostgresServer, url: str) -> None:
    with admin(server) as connection:
        connection.execute("ALTER DATABASE one SET synchronous_commit = off")
    store = await open_postgres(Address(url), seal=seal)
    shown = await store._database.write(lambda tx: tx.execute("SHOW synchronous_commit").fetchone())
    assert shown == ("on",)
    await store.close()


async def test_a_backend_that_is_killed_between_two_writes_costs_nothing(
    server: PostgresServer, store: PostgresStore
) -> None:
    await store.turns.accept(question())
    end_backends(server, "xswarm %")
    assert (await store.turns.accept(question())).written
    assert await store.turns.pending_count() == 2


async def test_a_backend_that_is_killed_in_a_transaction_costs_that_one_alone(store: PostgresStore) -> None:
    def killed(tx: Transaction) -> None:
        accept(tx, question())
        tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    outcomes = await asyncio.gather(
        store.turns.accept(question()), store._database.write(killed), return_exceptions=True
    )
    assert [isinstance(each, StorageError) for each in outcomes] == [False, True]
    assert await store.turns.pending_count() == 1
    assert (await store.turns.accept(question())).written


def end_backends(server: PostgresServer, name: str) -> None:
    """End the server's processes of some connections."""
    with admin(server) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE %s", (name,)
        )


async def test_a_server_that_stops_is_used_again_when_it_is_back(server: PostgresServer, store: PostgresStore) -> None:
    await asyncio.to_thread(server.control, "stop", "-m", "immediate")
    with pytest.raises(StorageError, match="PostgreSQL"):
        await store.turns.accept(question())
    with pytest.raises(StorageError, match="PostgreSQL"):
        await store.turns.pending_count()
    await asyncio.to_thread(server.control, "start")
    assert (await store.turns.accept(question())).written
    assert await store.turns.pending_count() == 1


def counted_tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the connections that are tried from now on."""
    tries: list[str] = []
    connect: Callable[..., None] = PgConnection.__init__

    def counted(self: PgConnection, url: str, name: str, *more: Any) -> None:
        tries.append(name)
        connect(self, url, name, *more)

    monkeypatch.setattr(PgConnection, "__init__", counted)
    return tries


async def test_many_that_wait_find_out_together_that_the_server_is_away(
    server: PostgresServer, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = store._database
    assert isinstance(database, PostgresDatabase)
    tries = counted_tries(monkeypatch)
    server.control("stop", "-m", "immediate")
    try:
        for work in (database.read, database.write):
            refused = await asyncio.gather(*(work(lambda _: None) for _ in range(20)), return_exceptions=True)
            assert {type(error) for error in refused} == {StorageError}
        assert len(tries) < 10, "each of them may take seconds"
    finally:
        server.control("start")


async def test_one_that_waits_alone_tries_to_connect_once(
    server: PostgresServer, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = counted_tries(monkeypatch)
    server.control("stop", "-m", "immediate")
    try:
        with pytest.raises(StorageError):
            await store.turns.pending_count()
        assert tries == ["xswarm reader"]
    finally:
        server.control("start")


@pytest.mark.parametrize("kind", ["read", "write"])
async def test_the_fault_of_one_is_not_the_error_of_others_while_the_server_is_away(
    server: PostgresServer, store: PostgresStore, kind: str
) -> None:
    def wrong(_: object) -> None:
        server.control("stop", "-m", "immediate")
        raise ZeroDivisionError

    work = getattr(store._database, kind)
    try:
        outcomes = await asyncio.gather(work(wrong), work(lambda _: None), return_exceptions=True)
        assert isinstance(outcomes[1], StorageError)
    finally:
        server.control("start")


@pytest.mark.parametrize("stored", [True, False])
async def test_a_commit_whose_answer_is_lost_counts_as_the_server_says(
    server: PostgresServer, store: PostgresStore, monkeypatch: pytest.MonkeyPatch, *, stored: bool
) -> None:
    lost_at_commit(monkeypatch, server, stored=stored)
    if stored:
        assert (await store.turns.accept(question())).written
    else:
        with pytest.raises(StorageError):
            await store.turns.accept(question())
    assert await store.turns.pending_count() == int(stored)


async def test_a_commit_that_nobody_can_tell_about_is_not_repeated(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_postgres(Address(url), seal=seal)
    lost_at_commit(monkeypatch, server, stored=True, stops=True)
    try:
        writes = [asyncio.create_task(store.turns.accept(question())) for _ in range(2)]
        await until(lambda: is_in_doubt(store), "the answer is lost")
        await store.close()
        assert {type(each) for each in await asyncio.gather(*writes, return_exceptions=True)} == {CommitUnknown}
    finally:
        await asyncio.to_thread(server.control, "start")
    store = await open_postgres(Address(url), seal=seal)
    assert await store.turns.pending_count() == 2
    await store.close()


@pytest.mark.parametrize("stored", [True, False])
async def test_while_a_commit_is_in_doubt_its_caller_waits_and_others_are_refused(
    server: PostgresServer, store: PostgresStore, monkeypatch: pytest.MonkeyPatch, *, stored: bool
) -> None:
    lost_at_commit(monkeypatch, server, stored=stored, stops=True)
    try:
        waiting = asyncio.create_task(store.turns.accept(question()))
        await until(lambda: is_in_doubt(store), "the answer is lost")
        for _ in range(3):
            with pytest.raises(StorageError, match="PostgreSQL: "):
                await store.turns.accept(question())
        assert not waiting.done()
    finally:
        await asyncio.to_thread(server.control, "start")
    if stored:
        assert (await waiting).written
    else:
        with pytest.raises(StorageError):
            await waiting
    before = await store.turns.pending_count()
    assert before == int(stored)
    assert (await store.turns.accept(question())).written


def is_in_doubt(store: PostgresStore) -> bool:
    """Return whether the store waits for the server to tell what became of a commit."""
    assert isinstance(store._database, PostgresDatabase)
    return store._database._writes._halted is not None


def lost_at_commit(
    monkeypatch: pytest.MonkeyPatch, server: PostgresServer, *, stored: bool, stops: bool = False
) -> None:
    """Lose the connection once, right after the server has committed or right before; or the server itself."""
    script: Callable[[PgConnection, str], Any] = PgConnection.script
    lost: list[bool] = []

    def losing(self: PgConnection, sql: str) -> Any:
        if sql != "COMMIT" or lost:
            return script(self, sql)
        lost.append(True)
        if stored:
            script(self, sql)
        if stops:
            server.control("stop", "-m", "immediate")
        else:
            end_backends(server, "xswarm writer%")
        return script(self, "SELECT 1")

    monkeypatch.setattr(PgConnection, "script", losing)
