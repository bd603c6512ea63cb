"""The lock of writes: a node that lives may hold it, one that is dead loses it, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest

from supervisor.protocol.errors import StorageError
from supervisor.store.postgres.cluster import lock
from supervisor.store.postgres.cluster.standing import WRITE_LOCK
from supervisor.store.postgres.opening import Address
from supervisor.store.postgres.store import PostgresStore, open_postgres
from tests.slowness import scaled
from tests.supervisor.store.builders import engine, question, revive, seal

pytestmark = pytest.mark.postgres

OTHER_EPOCH = 4_000


@pytest.fixture
async def store(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PostgresStore]:
    """A store that looks soon who holds the lock, and soon refuses."""
    monkeypatch.setattr(lock, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", scaled(0.5))
    store = await open_postgres(Address(url), seal=seal)
    yield store
    await store.close()


@pytest.fixture
def holder(url: str, store: PostgresStore) -> Iterator[psycopg.Connection[Any]]:
    """A connection of another node that holds the lock, in the middle of a transaction."""
    with psycopg.connect(url, application_name=f"xswarm writer/{OTHER_EPOCH}") as connection:
        connection.execute(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
        yield connection


async def test_a_dead_node_loses_the_lock(
    store: PostgresStore, holder: psycopg.Connection[Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert (await store.turns.accept(question())).written
    with pytest.raises(psycopg.OperationalError):
        holder.execute("SELECT 1")
    assert f"xswarm writer/{OTHER_EPOCH} held the lock of writes after its lease was over" in caplog.text


async def test_a_node_that_lives_keeps_the_lock_and_writes_are_refused_after_a_while(
    url: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await revive(store, OTHER_EPOCH)
    await engine(store).write(lambda tx: tx.execute("UPDATE nodes SET until_ms = 9999999999999").rowcount)
    with psycopg.connect(url, application_name=f"xswarm writer/{OTHER_EPOCH}") as holder:
        holder.execute(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
        with pytest.raises(StorageError, match="lock timeout") as refusal:
            await store.turns.accept(question())
        assert "see who holds the lock" in refusal.value.remedy
        assert holder.execute("SELECT 1").fetchone() == (1,)
    assert (await store.turns.accept(question())).written


async def test_a_connection_of_somebody_else_is_left_alone(url: str, store: PostgresStore) -> None:
    with psycopg.connect(url, application_name="psql") as holder:
        holder.execute(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
        with pytest.raises(StorageError, match="lock timeout"):
            await store.turns.accept(question())
        assert holder.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("again", [False, True])
async def test_the_server_ends_a_node_that_holds_the_lock_and_says_nothing(store: PostgresStore, again: bool) -> None:
    """Also on a connection that was opened after the first one was lost."""
    database = engine(store)
    if again:
        with pytest.raises(StorageError):
            await database.write(lambda tx: tx.execute("SELECT pg_terminate_backend(pg_backend_pid())").rowcount)
    names = ("application_name", "lock_timeout", "idle_in_transaction_session_timeout")
    shown = [await database.write(lambda tx, name=name: tx.one(f"SHOW {name}")) for name in names]  # type: ignore[misc]
    assert shown == [(f"xswarm writer/{store.epoch}",), ("100ms",), ("4s",)]
