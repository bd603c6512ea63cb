"""One node is active, another stands by: what was accepted is answered by it, once, whatever ends the first."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from supervisor.membership import EXIT_FENCED
from tests.cluster.cluster import PHONES, Cluster, ClusterNode, slow
from tests.cluster.invariants import check
from tests.cluster.looking import is_ready, runs, stands_by
from tests.cluster.standby import TAKE_OVER_SECONDS, pair, settled
from tests.postgres_server import PostgresServer
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.asyncio(loop_scope="module")]

TURN_SECONDS = 6.0
"""So long the turn lasts in which a node is ended."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory, server: PostgresServer) -> AsyncIterator[Cluster]:
    """Two nodes, for all tests that end one of them."""
    async with pair(tmp_path_factory.mktemp("takeover"), server) as cluster:
        yield cluster


def watchdog_of(node: ClusterNode) -> int:
    """Return the process id of a node's watchdog."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            command = (path.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == node.pid and b"watching.py" in command:
            return int(path.parent.name)
    raise AssertionError("it has no watchdog")


async def test_a_node_that_stops_hands_over_at_once(cluster: Cluster) -> None:
    active, standby = await settled(cluster)
    refused, _ = await cluster.text(standby, "assistant: hello")
    assert refused == 503
    await cluster.ask(active, slow("hello one", 0.0), "hello one")
    await cluster[active].stop()
    await until(lambda: is_ready(cluster, standby), "it is ready", TAKE_OVER_SECONDS, 0.1)
    await cluster.ask(standby, slow("hello two", 0.0), "hello two")
    await check(cluster, standby, accepted=dict.fromkeys(("hello one", "hello two"), PHONES["alice"]))


@pytest.mark.parametrize("how", ["kill", "pause", "cut"])
async def test_what_was_accepted_is_answered_by_the_other_node(cluster: Cluster, how: str) -> None:
    active, standby = await settled(cluster)
    node = cluster[active]
    status, _ = await cluster.text(active, slow(f"it runs, {how}", scaled(TURN_SECONDS)))
    assert status == 200
    await until(lambda: runs(cluster), "its turn runs")
    status, _ = await cluster.text(active, slow(f"it waits, {how}", 0.1), PHONES["ben"])
    assert status == 200
    match how:
        case "kill":
            await node.kill()
        case "pause":
            node.pause()
        case _:
            node.store.cut()
    await cluster.answer(f"it waits, {how}", PHONES["ben"], TAKE_OVER_SECONDS + TURN_SECONDS)
    await cluster.answer(f"it runs, {how}")
    if how == "pause":
        assert await node.daemon.ended() == -signal.SIGKILL
    if how == "cut":
        node.store.mend()
        assert await node.daemon.ended() == EXIT_FENCED
    accepted = {f"it runs, {how}": PHONES["alice"], f"it waits, {how}": PHONES["ben"]}
    assert set(await check(cluster, standby, accepted=accepted)) == {"completed"}


async def test_a_node_that_goes_on_too_late_writes_nothing_and_ends_itself(cluster: Cluster) -> None:
    active, standby = await settled(cluster)
    node = cluster[active]
    os.kill(watchdog_of(node), signal.SIGKILL)
    node.pause()
    await until(lambda: is_ready(cluster, standby), "it was taken over", 60.0, 0.1)
    node.go_on()
    assert await node.daemon.ended() == EXIT_FENCED
    assert "another node has taken over" in node.log
    assert "Traceback" not in node.log


async def test_a_second_start_of_the_active_node_stands_by(cluster: Cluster) -> None:
    active, standby = await settled(cluster)
    await cluster[active].kill()
    cluster[active].begin()
    await until(lambda: is_ready(cluster, standby), "the other one has taken over", 60.0, 0.1)
    await until(lambda: stands_by(cluster, active), "it stands by", 60.0, 0.1)
