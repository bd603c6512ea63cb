"""Leases in PostgreSQL: renewed by the server's clock, ended once they are over; a dead node writes nothing more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from supervisor.protocol.errors import ConfigError, StorageError
from supervisor.store.ports.cluster.nodes import Fenced, NewNode, NodeNotFound
from supervisor.store.postgres.cluster.standing import WRITE_LOCK
from supervisor.store.postgres.opening import Address
from supervisor.store.postgres.store import PostgresStore, open_postgres
from tests.postgres_server import PostgresServer
from tests.supervisor.store.builders import NOW, question, seal
from tests.waiting import until

pytestmark = pytest.mark.postgres

A = NewNode(name="a", seat="machine a", lease_seconds=600.0, url="http://a:1", labels=("gpu", "big"), version="1.2")
B = NewNode(name="b", seat="machine b", lease_seconds=0.5)
"""Its lease is shorter than the server of the tests is old."""


@asynccontextmanager
async def joined(url: str, node: NewNode) -> AsyncIterator[PostgresStore]:
    """Open the store as a node."""
    store = await open_postgres(Address(url, node=node), seal=seal)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def a(url: str) -> AsyncIterator[PostgresStore]:
    """The store of node a."""
    async with joined(url, A) as store:
        yield store


@pytest.fixture
async def b(url: str, a: PostgresStore) -> AsyncIterator[PostgresStore]:
    """The store of node b, which has had its connection for longer than a lease."""
    async with joined(url, B) as store:
        await store.nodes.renew()
        as_for(store, 601)
        yield store


def as_for(store: PostgresStore, seconds: float) -> None:
    """Let a store's connection be as old as that."""
    store._leases._since -= seconds


async def end_dead(store: PostgresStore) -> list[str]:
    """Let a store whose connection is old end the dead: again where one look took longer than half of its short lease.

    Returns:
        The names of those that it ended.
    """
    ended: list[str] = []

    async def look() -> bool:
        as_for(store, 601)
        ended.extend(node.name for node in await store.nodes.end_dead(now_ms=NOW))
        return bool(ended)

    await until(look, "the dead are ended")
    return ended


def change(url: str, statement: str, *values: Any) -> None:
    """Change the database beside the nodes."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement, values)


def end_lease(url: str, name: str) -> None:
    """Let a lease be over."""
    change(url, "UPDATE nodes SET until_ms = 1 WHERE name = %s", name)


async def names(store: PostgresStore) -> list[str]:
    return [node.name for node in await store.nodes.live()]


async def test_nodes_that_live_know_each_other(a: PostgresStore, b: PostgresStore) -> None:
    first, second = await b.nodes.live()
    assert (first.name, first.epoch, first.url, first.labels, first.version) == (
        *("a", a.epoch, "http://a:1"),
        *(("gpu", "big"), "1.2"),
    )
    assert (second.name, second.epoch) == ("b", b.epoch)
    assert b.epoch > a.epoch
    assert 0 < first.left_ms <= 600_000


async def test_a_renewal_counts_from_now_by_the_clock_of_the_server(url: str, a: PostgresStore) -> None:
    end_lease(url, "a")
    assert (await a.nodes.live())[0].left_ms < 0
    (own,) = await a.nodes.renew()
    assert own.left_ms > 590_000


async def test_a_renewal_waits_for_no_write(url: str, a: PostgresStore) -> None:
    with psycopg.connect(url) as holder:
        holder.execute(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
        assert await a.nodes.renew()


async def test_a_node_whose_lease_lasts_is_left_alone(b: PostgresStore) -> None:
    assert await b.nodes.end_dead(now_ms=NOW) == []
    assert await names(b) == ["a", "b"]


async def test_a_node_whose_lease_is_over_goes_on_until_another_ends_it(
    url: str, a: PostgresStore, b: PostgresStore
) -> None:
    end_lease(url, "a")
    assert (await a.turns.accept(question())).written
    assert await end_dead(b) == ["a"]
    assert await names(b) == ["b"]
    with pytest.raises(Fenced, match="another node has taken over"):
        await a.turns.accept(question())
    with pytest.raises(Fenced):
        await a.nodes.renew()
    assert await b.turns.pending_count() == 1
    entry = (await b.audit.entries(after=0, limit=100))[-1]
    assert (entry.event, entry.detail) == ("node.ended", {"node": "a", "epoch": a.epoch})


async def test_whoever_is_fenced_is_told_each_time(url: str, a: PostgresStore, b: PostgresStore) -> None:
    told: list[str] = []
    a.nodes.on_fenced(lambda: told.append("fenced"))
    end_lease(url, "a")
    assert await end_dead(b) == ["a"]
    writes = [a.turns.accept(question()) for _ in range(3)]
    assert {type(each) for each in await asyncio.gather(*writes, return_exceptions=True)} == {Fenced}
    assert told == ["fenced"] * 3


async def test_a_renewal_and_an_end_at_once_have_one_winner(url: str, a: PostgresStore, b: PostgresStore) -> None:
    end_lease(url, "a")
    outcomes = await asyncio.gather(a.nodes.renew(), b.nodes.end_dead(now_ms=NOW), return_exceptions=True)
    renewed = not isinstance(outcomes[0], Fenced)
    assert (await names(b) == ["a", "b"]) is renewed
    assert (outcomes[1] == []) is renewed


async def test_nobody_ends_a_node_before_it_had_time_to_renew_after_the_own_connection_was_lost(
    url: str, a: PostgresStore, b: PostgresStore
) -> None:
    end_lease(url, "a")
    change(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'xswarm lease'")
    await until(lambda: _renewed(b), "it is connected again")
    assert await b.nodes.end_dead(now_ms=NOW) == []
    assert await end_dead(b) == ["a"]


async def test_a_look_that_comes_before_the_own_renewal_after_the_connection_was_lost_ends_nobody(
    url: str, a: PostgresStore, b: PostgresStore
) -> None:
    end_lease(url, "a")
    change(url, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'xswarm lease'")
    with pytest.raises(StorageError):
        await b.nodes.end_dead(now_ms=NOW)
    assert await b.nodes.end_dead(now_ms=NOW) == []
    assert await names(b) == ["a", "b"]
    assert await end_dead(b) == ["a"]


async def test_a_look_after_a_renewal_that_failed_ends_nobody(url: str, a: PostgresStore, b: PostgresStore) -> None:
    end_lease(url, "a")
    with psycopg.connect(url) as holder:
        holder.execute("UPDATE nodes SET version = version WHERE name = 'b'")
        with pytest.raises(StorageError):
            await b.nodes.renew()
    assert await b.nodes.end_dead(now_ms=NOW) == []
    assert await end_dead(b) == ["a"]


async def test_a_look_that_takes_as_long_as_a_lease_ends_nobody(url: str, a: PostgresStore, b: PostgresStore) -> None:
    end_lease(url, "a")
    begun = time.monotonic()
    with psycopg.connect(url) as holder:
        holder.execute(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
        look = asyncio.create_task(b.nodes.end_dead(now_ms=NOW))
        await until(lambda: time.monotonic() - begun > 2 * B.lease_seconds, "a lease is over")
    assert await look == []
    assert await names(b) == ["a", "b"]


async def _renewed(store: PostgresStore) -> bool:
    try:
        return bool(await store.nodes.renew())
    except Exception:  # noqa: BLE001 - the first call finds the connection gone
        return False


async def test_nobody_ends_a_node_before_it_had_time_to_renew_after_the_server_came_back(
    url: str, server: PostgresServer, a: PostgresStore
) -> None:
    async with joined(url, replace(B, lease_seconds=3600.0)) as b:
        await b.nodes.renew()
        as_for(b, 3601)
        end_lease(url, "a")
        assert await b.nodes.end_dead(now_ms=NOW) == []  # the server of the tests is younger than an hour


async def test_a_node_that_stops_leaves_at_once(url: str, a: PostgresStore) -> None:
    async with joined(url, B) as b:
        await a.close()
        await a.close()
        assert await names(b) == ["b"]


async def test_a_second_start_with_the_same_lock_takes_over_at_once(url: str, a: PostgresStore) -> None:
    async with joined(url, A) as again:
        assert again.epoch == a.epoch + 1
        assert await names(again) == ["a"]
        with pytest.raises(Fenced):
            await a.turns.accept(question())


async def test_a_node_of_the_same_name_elsewhere_is_refused_while_the_lease_lasts(url: str, a: PostgresStore) -> None:
    elsewhere = replace(A, seat="another machine")
    with pytest.raises(ConfigError, match="another node named 'a' works on this database") as refusal:
        async with joined(url, elsewhere):
            pass
    assert "try again in" in refusal.value.remedy
    assert (await a.turns.accept(question())).written
    end_lease(url, "a")
    async with joined(url, elsewhere) as other:
        assert other.epoch > a.epoch
        with pytest.raises(Fenced):
            await a.turns.accept(question())


async def test_a_node_whose_folder_is_a_copy_of_that_of_one_that_lives_is_refused(url: str) -> None:
    copy = replace(B, keeper="0190")
    async with joined(url, replace(A, keeper="0190")) as a:
        with pytest.raises(ConfigError, match=r"its file node\.id is that of the node 'a'") as refusal:
            async with joined(url, copy):
                pass
        assert refusal.value.remedy.startswith("delete `node.id` in the copy")
        assert await names(a) == ["a"]
        assert (await a.turns.accept(question())).written
        for other in (replace(B, keeper="0191"), B):  # with an id of its own; of the command line, or an older version
            async with joined(url, other):
                assert await names(a) == ["a", "b"]
        async with joined(url, replace(A, name="renamed", keeper="0190")):  # its lock shows that "a" is dead
            assert await names(a) == ["a", "renamed"]
        end_lease(url, "a")
        async with joined(url, copy):
            assert await names(a) == ["a", "b"]


async def test_a_database_that_other_nodes_use_is_not_migrated(
    url: str, a: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions: Callable[..., tuple[int, int]] = lambda connection: (32, 33)  # noqa: E731
    monkeypatch.setattr("supervisor.store.postgres.opening.versions", versions)
    with pytest.raises(ConfigError, match=r"has version 32, .* other nodes use it: a"):
        async with joined(url, B):
            pass
    end_lease(url, "a")
    async with joined(url, B) as b:
        assert await names(b) == ["b"]


async def test_a_migration_that_only_expands_lets_the_other_nodes_go_on(
    url: str, a: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions: Callable[..., tuple[int, int]] = lambda connection: (33, 34)  # noqa: E731
    monkeypatch.setattr("supervisor.store.postgres.opening.versions", versions)
    async with joined(url, B) as b:
        assert await names(b) == ["a", "b"]
        assert (await a.turns.accept(question())).written


async def test_a_node_says_which_projects_it_has(url: str) -> None:
    async with joined(url, replace(A, projects=("site",))) as a:
        assert (await a.nodes.live())[0].projects == ("site",)
        await a.nodes.tell(["shop", "site"], ["192.0.2.1"])
        assert (await a.nodes.live())[0].projects == ("shop", "site")
        assert (await a.nodes.live())[0].addresses == ("192.0.2.1",)
        change(url, "UPDATE nodes SET projects = NULL, addresses = NULL")  # an older version joined
        assert (await a.nodes.live())[0].projects is None
        assert (await a.nodes.live())[0].addresses == ()
        await a.nodes.fence("a", by="operator", now_ms=NOW)
        with pytest.raises(Fenced):
            await a.nodes.tell([], [])


async def test_a_node_that_is_asked_to_drain_hears_of_it_with_its_renewal(a: PostgresStore, b: PostgresStore) -> None:
    await b.nodes.drain("a", by="operator", now_ms=NOW)
    first, second = await a.nodes.renew()
    assert (first.draining, second.draining) == (True, False)
    assert (await a.turns.accept(question())).written
    entry = (await b.audit.entries(after=0, limit=100))[-2]
    assert (entry.event, entry.actor, entry.detail) == ("node.draining", "operator", {"node": "a"})


async def test_a_node_that_is_fenced_stores_nothing_more_whatever_is_left_of_its_lease(
    a: PostgresStore, b: PostgresStore
) -> None:
    await b.nodes.fence("a", by="operator", now_ms=NOW)
    assert await names(b) == ["b"]
    with pytest.raises(Fenced):
        await a.turns.accept(question())
    entry = (await b.audit.entries(after=0, limit=100))[-1]
    assert (entry.event, entry.detail) == ("node.fenced", {"node": "a"})


async def test_a_node_that_does_not_live_can_neither_drain_nor_be_fenced(b: PostgresStore) -> None:
    for ask in (b.nodes.drain, b.nodes.fence):
        with pytest.raises(NodeNotFound, match="Node not found: z"):
            await ask("z", by="operator", now_ms=NOW)
