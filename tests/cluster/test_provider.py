"""Nodes that cannot reach the provider of the texts, while the database and the others are there: another one sends."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.cluster.cluster import PHONES, Cluster
from tests.cluster.invariants import check
from tests.cluster.looking import other_than, owner
from tests.postgres_server import PostgresServer
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

GAVE_UP = "the provider cannot be reached from this node"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory, server: PostgresServer) -> AsyncIterator[Cluster]:
    """Nodes a and b, both active; one of them sends the texts."""
    async with Cluster(tmp_path_factory.mktemp("provider"), server) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        await cluster["b"].start()
        yield cluster


async def test_where_no_node_reaches_the_provider_each_gives_up_once_and_one_sends_when_it_is_back(
    cluster: Cluster,
) -> None:
    before = gave_up(cluster)
    for node in cluster.nodes.values():
        await node.provider.refuse()
    accepted = {f"nobody sends to {who}": phone for who, phone in PHONES.items()}
    for text, phone in accepted.items():
        assert (await cluster.text("a", f"claude: {text}", phone))[0] == 200
    tried = {name: count + 1 for name, count in before.items()}
    await until(lambda: gave_up(cluster) == tried, "each node has given the channel up", 120.0)
    for node in cluster.nodes.values():
        await node.provider.listen()
    for text, phone in accepted.items():
        await cluster.answer(text, phone, 120.0)
    assert gave_up(cluster) == tried
    await check(cluster, "a", accepted=accepted)


@pytest.mark.parametrize("how", ["refused", "dropped"])
async def test_where_only_the_node_that_sends_is_cut_off_from_the_provider_another_one_sends(
    cluster: Cluster, how: str
) -> None:
    sender = await owner(cluster, "channel/sms")
    alive = other_than(cluster, sender)
    if how == "refused":
        await cluster[sender].provider.refuse()
    else:
        cluster[sender].provider.cut()
    accepted = {f"{how} for {who}": phone for who, phone in PHONES.items()}
    for text, phone in accepted.items():
        assert (await cluster.text(sender, f"claude: {text}", phone))[0] == 200
    for text, phone in accepted.items():
        await cluster.answer(text, phone, 120.0)
    assert await owner(cluster, "channel/sms") == alive
    if how == "refused":
        await cluster[sender].provider.listen()
    else:
        cluster[sender].provider.mend()
    await check(cluster, sender, accepted=accepted)


def gave_up(cluster: Cluster) -> dict[str, int]:
    """Return how often each node has given up to send."""
    return {name: node.log.count(GAVE_UP) for name, node in cluster.nodes.items()}
