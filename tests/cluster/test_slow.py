"""A slow disk below PostgreSQL, and a lock of writes that somebody holds: all wait, and no node is taken over."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from time import monotonic

import psycopg
import pytest
import pytest_asyncio

from supervisor.store.postgres.cluster.standing import WRITE_LOCK
from tests.cluster.cluster import PHONES, Cluster
from tests.cluster.invariants import check
from tests.postgres_server import PostgresServer
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

STALLS = 8
MOST_SECONDS = 2.0
"""How long a write to the disk takes at most."""
SLOW_SECONDS = 0.3
"""How long each write takes at a disk that is slow all the time."""
TEXTS = 12
WRITERS = """
    SELECT pid FROM pg_stat_activity
    WHERE backend_type = 'walwriter' OR datname = %s AND application_name LIKE 'xswarm writer/%%'
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory, server: PostgresServer) -> AsyncIterator[Cluster]:
    """Nodes a and b, both active."""
    async with Cluster(tmp_path_factory.mktemp("slow"), server, lease=5.0) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        await cluster["b"].start()
        yield cluster


async def stall(cluster: Cluster, seconds: float) -> None:
    """Stop whatever writes to the disk of the server for some seconds, as a disk does that does not answer."""
    pids = [pid for (pid,) in await cluster.rows(WRITERS, cluster.database)]
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if number is signal.SIGSTOP:
            await asyncio.sleep(seconds)  # the disk itself


async def test_a_disk_that_takes_two_seconds_ends_no_node_and_answers_once(cluster: Cluster) -> None:
    pids = {name: node.pid for name, node in cluster.nodes.items()}
    pick, accepted, over = random.Random(STALLS), dict[str, str](), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for name, at in zip(PHONES, "aba", strict=True):
            group.create_task(write(cluster, name, at, accepted, over), name=f"texts of {name}")
        for _ in range(STALLS):
            goal = len(accepted) + 1
            await stall(cluster, pick.uniform(0.2, MOST_SECONDS))
            await until(lambda: len(accepted) >= goal, "a text is accepted", 60.0)  # noqa: B023
        over.set()
    await is_well(cluster, pids, accepted)


async def test_where_each_write_takes_long_all_the_time_leases_hold_and_texts_are_answered(cluster: Cluster) -> None:
    pids = {name: node.pid for name, node in cluster.nodes.items()}
    accepted, over = dict[str, str](), asyncio.Event()
    begun = monotonic()
    async with asyncio.TaskGroup() as group:
        for name, at in zip(PHONES, "aba", strict=True):
            group.create_task(write(cluster, name, at, accepted, over, "slowly "), name=f"texts of {name}")
        while len(accepted) < TEXTS or monotonic() - begun < 2 * cluster.lease:
            await stall(cluster, SLOW_SECONDS)
            await asyncio.sleep(SLOW_SECONDS / 10)  # what the disk does at once
        over.set()
    await is_well(cluster, pids, accepted)


async def write(
    cluster: Cluster, name: str, at: str, accepted: dict[str, str], over: asyncio.Event, before: str = ""
) -> None:
    """Send one text after the other to a node, each when the one before is answered."""
    number = 0
    while not over.is_set():
        number += 1
        key = f"{before}{name}-{number:03}."
        status, _ = await cluster.text(at, f"claude: {key}", PHONES[name])
        assert status == 200, status
        accepted[key] = PHONES[name]
        await cluster.answer(key, PHONES[name])


async def is_well(cluster: Cluster, pids: dict[str, int], accepted: dict[str, str]) -> None:
    """Check that no node was ended or taken over, and that each text was answered once."""
    assert {name: node.pid for name, node in cluster.nodes.items()} == pids
    assert await cluster.rows("SELECT 1 FROM audit WHERE event = 'node.ended'") == []
    states = await check(cluster, "a", accepted=accepted)
    assert set(states) == {"completed"}


async def test_while_somebody_holds_the_lock_a_text_is_refused_and_no_node_is_taken_over(cluster: Cluster) -> None:
    pids = {name: node.pid for name, node in cluster.nodes.items()}
    async with await psycopg.AsyncConnection.connect(cluster.url) as holder:
        await holder.execute("SELECT pg_advisory_xact_lock(%s)", (WRITE_LOCK,))
        sid = cluster.twilio.book.received(PHONES["alice"], "claude: held up", 0).sid
        async with asyncio.timeout(scaled(60.0)):  # each group of writes before it is refused after 10 s
            answered = await asyncio.gather(*(cluster.text(at, "", sid=sid) for at in ("a", "b")))
        assert answered == [(503, sid)] * 2
    assert await cluster.text("b", "", sid=sid) == (200, sid)
    await cluster.answer("held up")
    assert {name: node.pid for name, node in cluster.nodes.items()} == pids
    assert await cluster.rows("SELECT 1 FROM audit WHERE event = 'node.ended'") == []
    await check(cluster, "a", accepted={"held up": PHONES["alice"]})
