"""Notices: what a node commits is heard by the others, also after the connection was lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest

from supervisor.store.ports.cluster.nodes import NewNode
from supervisor.store.ports.cluster.notices import Notice, Topic
from supervisor.store.postgres.notices import MOST_BYTES, packed, unpacked
from supervisor.store.postgres.opening import Address
from supervisor.store.postgres.store import PostgresStore, open_postgres
from supervisor.store.transaction import Transaction
from tests.supervisor.store.builders import NOW, outcome, question, running, seal
from tests.waiting import until

pytestmark = pytest.mark.postgres


@pytest.fixture
async def stores(url: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two nodes on one database."""
    first, second = [await open_postgres(Address(url, node=NewNode(name=name, seat=name)), seal=seal) for name in "ab"]
    yield first, second
    await first.close()
    await second.close()


async def test_the_other_node_hears_what_was_committed_and_the_own_does_not(
    stores: tuple[PostgresStore, PostgresStore],
) -> None:
    one, two = stores
    at_one: list[Notice | None] = []
    at_two: list[Notice | None] = []
    one._server.notices.listen(at_one.append)
    two._server.notices.listen(at_two.append)
    await until(lambda: at_one == [None] and at_two == [None], "both listen, and may have missed some")
    turn = await running(one, question())
    await one.turns.finish(turn.id, outcome())
    await one.turns.accept(question(lane="behind"))
    await until(lambda: len(at_two) == 4, "the other node hears")
    assert at_two[1:] == [
        Notice(Topic.WORK, f" {turn.lane}"),
        Notice(Topic.ENDED, turn.message_id),
        Notice(Topic.WORK, " behind"),
    ]
    await two.turns.cancel_pending("behind", "no longer wanted", now_ms=NOW)
    await until(lambda: len(at_one) == 2, "the first node hears the second")
    assert at_one[1] is not None
    assert at_one[1].topic is Topic.ENDED


async def test_what_was_rolled_back_is_not_told(stores: tuple[PostgresStore, PostgresStore]) -> None:
    one, two = stores
    heard: list[Notice | None] = []
    two._server.notices.listen(heard.append)
    await until(lambda: heard == [None], "it listens")

    def broken(tx: Transaction) -> None:
        tx.notify(Topic.WORK, "never")
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await one._server.write(broken)
    await one._server.write(lambda tx: tx.notify(Topic.WORK, "then"))
    await until(lambda: len(heard) == 2, "the next one is heard")
    assert heard[1] == Notice(Topic.WORK, "then")


async def test_a_lost_connection_is_opened_again_and_says_that_some_may_be_missed(
    url: str, stores: tuple[PostgresStore, PostgresStore]
) -> None:
    one, two = stores
    heard: list[Notice | None] = []
    two._server.notices.listen(heard.append)
    await until(lambda: heard == [None], "it listens")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'xswarm notices'"
        )
    await until(lambda: heard == [None, None], "it listens again", timeout=20)
    await one._server.write(lambda tx: tx.notify(Topic.STOPPED, "lane"))
    await until(lambda: Notice(Topic.STOPPED, "lane") in heard, "it hears again")


def test_many_notices_are_several_payloads_of_a_bounded_size() -> None:
    notices = [Notice(Topic.WORK, f"assistant/alice/{number} größer") for number in range(2000)]
    payloads = list(packed(7, notices))
    assert len(payloads) > 1
    assert all(len(payload.encode()) <= MOST_BYTES for payload in payloads)
    assert [notice for payload in payloads for notice in unpacked(payload, 8)] == notices
    assert [*unpacked(payloads[0], 7)] == []


def test_a_topic_that_a_newer_version_invented_is_left_out() -> None:
    assert [*unpacked("7\ninvented x\nended m1", 8)] == [Notice(Topic.ENDED, "m1")]
