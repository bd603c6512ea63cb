"""One node is active, another stands by: what was accepted is answered by it, once, whatever ends the first."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from supervisor.membership import EXIT_FENCED
from tests.cluster.cluster import PHONES, Cluster, ClusterNode, slow
from tests.cluster.invariants import check
from tests.e2e.process import ROOT
from tests.postgres_server import PostgresServer
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.asyncio(loop_scope="module")]

TAKE_OVER_SECONDS = 15.0
LEASE = 10.0


@asynccontextmanager
async def pair(folder: Path, server: PostgresServer, **environment: str) -> AsyncIterator[Cluster]:
    """Node a is active, and node b stands by; `environment` is more of that of b."""
    async with Cluster(folder, server, lease=LEASE, standby=True, environments={"b": environment}) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        cluster["b"].begin()
        await until(lambda: stands_by(cluster, "b"), "b stands by", 60.0, 0.1)
        # Nobody takes over before the nodes had the length of a lease to renew since it connected.
        await until(lambda: has_waited(cluster), "b has been there for a lease", LEASE, 0.1)
        yield cluster


@pytest_asyncio.fixture(loop_scope="module")
async def cluster(tmp_path: Path, server: PostgresServer) -> AsyncIterator[Cluster]:
    """Two nodes."""
    async with pair(tmp_path, server) as cluster:
        yield cluster


async def stands_by(cluster: Cluster, name: str) -> bool:
    """Return whether a node lives and is not ready, because another is active."""
    try:
        alive = await cluster.client.get(f"{cluster[name].http}/healthz")
        ready = await cluster.client.get(f"{cluster[name].http}/readyz")
    except httpx.HTTPError:
        return False
    return (alive.status_code, ready.status_code) == (200, 503) and ready.json()["parts"] == {"node": "failed"}


async def has_waited(cluster: Cluster) -> bool:
    """Return whether the connection by which b keeps its lease is older than a lease."""
    sql = """
        SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'xswarm lease' AND backend_start < clock_timestamp() - make_interval(secs => %s)
    """
    return bool((await cluster.rows(sql, LEASE))[0][0] == 2)


async def is_running(cluster: Cluster) -> bool:
    return bool((await cluster.rows("SELECT count(*) FROM turns WHERE state = 'running'"))[0][0])


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
    refused, _ = await cluster.text("b", "assistant: hello")
    assert refused == 503
    assert "hello" in await cluster.ask("a", "assistant: @@" + '{"steps": [{"text": "hello one"}]}', "one")
    await cluster["a"].stop()
    await until(lambda: is_ready(cluster, "b"), "b is ready", TAKE_OVER_SECONDS, 0.1)
    assert "hello" in await cluster.ask("b", "assistant: @@" + '{"steps": [{"text": "hello two"}]}', "two")
    await check(cluster, "b", accepted={"one": PHONES["alice"], "two": PHONES["alice"]})


async def is_ready(cluster: Cluster, name: str) -> bool:
    """Return whether a node says that it is ready."""
    try:
        return (await cluster.client.get(f"{cluster[name].http}/readyz")).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("how", ["kill", "pause", "cut"])
async def test_what_was_accepted_is_answered_by_the_other_node(cluster: Cluster, how: str) -> None:
    a = cluster["a"]
    status, _ = await cluster.text("a", slow("it runs", 2.0))
    assert status == 200
    await until(lambda: is_running(cluster), "its turn runs")
    status, _ = await cluster.text("a", slow("it waits", 0.1), PHONES["ben"])
    assert status == 200
    match how:
        case "kill":
            await a.kill()
        case "pause":
            a.pause()
        case _:
            a.store.cut()
    await cluster.answer("it waits", PHONES["ben"], TAKE_OVER_SECONDS)
    await cluster.answer("it runs")
    if how == "pause":
        assert await a.daemon.ended() == -signal.SIGKILL
    if how == "cut":
        a.store.mend()
        assert await a.daemon.ended() == EXIT_FENCED
    found = await check(cluster, "b", accepted={"it runs": PHONES["alice"], "it waits": PHONES["ben"]})
    assert found == {"completed": 2}


async def test_a_node_that_goes_on_too_late_writes_nothing_and_ends_itself(cluster: Cluster) -> None:
    a = cluster["a"]
    os.kill(watchdog_of(a), signal.SIGKILL)
    a.pause()
    await until(lambda: is_ready(cluster, "b"), "b has taken over", 60.0, 0.1)
    a.go_on()
    assert await a.daemon.ended() == EXIT_FENCED
    assert "another node has taken over" in a.log
    assert "Traceback" not in a.log


CLOCK = """
import time
now, now_ns = time.time, time.time_ns
time.time = lambda: now() + {seconds}
time.time_ns = lambda: now_ns() + {seconds} * 10**9
"""


@pytest.mark.parametrize("seconds", [3600, -3600])
async def test_a_clock_that_is_an_hour_off_takes_nothing_over_and_hinders_no_take_over(
    tmp_path: Path, server: PostgresServer, seconds: int
) -> None:
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(CLOCK.format(seconds=seconds), encoding="utf-8")
    async with pair(tmp_path / "nodes", server, PYTHONPATH=f"{tmp_path / 'clock'}:{ROOT}") as cluster:
        assert await stands_by(cluster, "b")
        assert await cluster.ask("a", slow("before", 0.1), "before")
        status, _ = await cluster.text("a", slow("it runs", 2.0))
        assert status == 200
        await until(lambda: is_running(cluster), "its turn runs")
        await cluster["a"].kill()
        await until(lambda: is_ready(cluster, "b"), "b has taken over", TAKE_OVER_SECONDS, 0.1)
        await cluster.answer("it runs")
        ((noted,),) = await cluster.rows("SELECT at_ms FROM audit WHERE event = 'node.ended'")
        assert abs(noted / 1000 - time.time() - seconds) < 600  # by the clock of b
        await check(cluster, "b", accepted={"before": PHONES["alice"], "it runs": PHONES["alice"]})


async def test_a_second_start_of_the_active_node_stands_by(cluster: Cluster) -> None:
    a = cluster["a"]
    await a.kill()
    a.begin()
    await until(lambda: is_ready(cluster, "b"), "b has taken over", scaled(TAKE_OVER_SECONDS), 0.1)
    await until(lambda: stands_by(cluster, "a"), "a stands by", 60.0, 0.1)
