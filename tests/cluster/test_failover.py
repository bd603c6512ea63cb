"""The primary of PostgreSQL dies under load, and its standby is promoted: the nodes live on, nothing is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from tests.cluster.cluster import PHONES, Cluster, slow
from tests.cluster.invariants import check
from tests.cluster.looking import runs
from tests.postgres_server import PostgresServer
from tests.postgres_standby import promote, started_pair
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.e2e]

BEFORE, AFTER = 6, 6
"""Answers before the failover, and afterwards."""


@dataclass
class Load:
    """People who text the nodes in turns; what a node did not take is sent again, as senders do on 503."""

    cluster: Cluster
    sent: dict[str, str] = field(default_factory=dict)
    over: bool = False

    def answered(self) -> int:
        """Return how many texts people have got."""
        return sum(message.outgoing for message in self.cluster.twilio.messages)

    async def write(self, name: str) -> None:
        """Text one after the other until it is over, and wait for each answer."""
        number = 0
        while not self.over:
            number += 1
            key, status, sid, tries = f"{name}-{number:04}.", 0, "", 0
            body = slow(f"said {key}", 0.3) if number % 2 else f"claude: {key}"
            while status != 200:
                status, sid = await self.cluster.text("ab"[tries % 2], body, PHONES[name], sid=sid)
                tries += 1
                if status != 200:
                    await asyncio.sleep(0.2)  # a sender waits before it tries again
            self.sent[key] = PHONES[name]
            await self.cluster.answer(key, PHONES[name], 120.0)


@pytest_asyncio.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Cluster, PostgresServer, PostgresServer]]:
    """Two active nodes that know a primary and its synchronous standby."""
    with started_pair() as (primary, standby):
        async with Cluster(tmp_path, primary, lease=5.0, spare=standby) as cluster:
            await cluster["a"].start()
            await cluster.add_people("a")
            await cluster["b"].start()
            yield cluster, primary, standby


async def test_a_primary_that_dies_loses_nothing_and_ends_no_node(
    pair: tuple[Cluster, PostgresServer, PostgresServer],
) -> None:
    cluster, primary, standby = pair
    found = {check["name"]: check for check in json.loads((await cluster["b"].xswarm("doctor", "--json")).out)}
    assert "with a synchronous standby" in found["database server"]["detail"]
    pids = {name: node.pid for name, node in cluster.nodes.items()}
    load = Load(cluster)
    async with asyncio.TaskGroup() as group:
        for name in PHONES:
            group.create_task(load.write(name), name=f"texts of {name}")
        await until(lambda: load.answered() >= BEFORE, "some texts are answered", 60.0)
        await until(lambda: runs(cluster), "a turn runs", 60.0)
        await asyncio.to_thread(primary.control, "stop", "-m", "immediate")
        await asyncio.to_thread(promote, standby)
        goal = load.answered() + AFTER
        await until(lambda: load.answered() >= goal, "texts are answered again", 120.0)
        load.over = True
    assert {name: node.pid for name, node in cluster.nodes.items()} == pids
    assert await check(cluster, "a", accepted=load.sent) == {"completed": len(load.sent)}
    found = {check["name"]: check for check in json.loads((await cluster["b"].xswarm("doctor", "--json")).out)}
    assert "without a synchronous standby" in found["database server"]["detail"]
