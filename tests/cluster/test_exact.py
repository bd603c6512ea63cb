"""Limits are those of the cluster, however many nodes it has: messages of a person, and dollars of all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.cluster.cluster import PHONES, Cluster
from tests.cluster.invariants import OPEN, check
from tests.postgres_server import PostgresServer
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

NAMES = ("a", "b", "c")
PER_HOUR = 10
SENT = 30
"""Texts of one person, in turns to the three nodes, all at one moment."""

BUDGET, RESERVE = 0.4, 0.05
TABLES = f"""
[budgets]
system_daily_usd = {BUDGET}
reserve_usd = {RESERVE}
"""
USAGE = {"input_tokens": 10, "output_tokens": 200_000}
NANOS = 1_000_000_000
ROUNDS = 5
"""Each with one call of the model for a text at each node."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory, server: PostgresServer) -> AsyncIterator[Cluster]:
    """Three active nodes."""
    folder = tmp_path_factory.mktemp("exact")
    async with Cluster(folder, server, NAMES, lease=6.0, per_hour=PER_HOUR, tables=TABLES) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        await asyncio.gather(cluster["b"].start(), cluster["c"].start())
        yield cluster


async def ended(cluster: Cluster) -> bool:
    return bool((await cluster.rows(OPEN))[0][0] == 0)


async def test_of_many_texts_at_three_nodes_at_one_moment_as_many_count_as_the_limit_says(cluster: Cluster) -> None:
    texts = [cluster.text(NAMES[number % 3], f"claude: limited {number}.") for number in range(SENT)]
    answered = await asyncio.gather(*texts)
    assert {status for status, _ in answered} == {200}
    await until(lambda: ended(cluster), "all turns have ended", 60.0, 0.1)
    ran = await cluster.rows("SELECT count(*) FROM turns WHERE user_id = 'alice' AND target = 'claude_code'")
    assert ran == [(PER_HOUR,)]
    await until(lambda: len(cluster.answers("limited ")) == PER_HOUR, "each of them is answered")


@pytest.mark.usefixtures("one_utc_day")
async def test_a_budget_of_all_is_passed_by_at_most_one_call_of_each_lane(cluster: Cluster) -> None:
    for round_number in range(ROUNDS):
        steps = [{"text": f"round {round_number}", "usage": USAGE}]
        text = "assistant: @@" + json.dumps({"steps": steps})
        senders = [(at, PHONES[name]) for at, name in zip(NAMES, ("ben", "cara", "ben"), strict=True)]
        await asyncio.gather(*(cluster.text(at, text, sender) for at, sender in senders))
    await until(lambda: ended(cluster), "all turns have ended", 60.0, 0.1)
    ((spent, dearest),) = await cluster.rows("SELECT sum(nanos), max(nanos) FROM ledger WHERE kind = 'model'")
    assert spent <= BUDGET * NANOS + 2 * dearest, "two lanes at most run at a time"
    assert spent > (BUDGET - 2 * RESERVE) * NANOS - 2 * dearest, "it was used up"
    refused = await cluster.rows("SELECT count(*) FROM turns WHERE state = 'failed'")
    assert refused[0][0] > 0
    await check(cluster, "b", accepted={})
