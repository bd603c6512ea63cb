"""No agent works on after its node was taken over, and none loses its work because the database was away."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from supervisor.membership import EXIT_FENCED
from tests.cluster.cluster import PHONES, Cluster
from tests.cluster.invariants import check
from tests.cluster.looking import has_waited, is_ready, stands_by
from tests.postgres_server import PostgresServer
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.cli_process, pytest.mark.asyncio(loop_scope="module")]

LEASE = 10.0
TAKE_OVER_SECONDS = 15.0

LINES = "for i in $(seq {count}); do date +%s%3N >> effects.log; sleep 0.1; done"
ENDED = "SELECT at_ms FROM audit WHERE event = 'node.ended'"


@asynccontextmanager
async def agents(folder: Path, server: PostgresServer, *names: str) -> AsyncIterator[Cluster]:
    """Nodes with the real Claude Code; the first is active."""
    async with Cluster(
        folder,
        server,
        names,
        connector="claude_code",
        lease=LEASE,
        standby=True,
        claude_code='sandbox = "off"',
        permissions="full",
        tables="[approvals]\nhigh_risk = []\n",
    ) as cluster:
        await cluster[names[0]].start()
        await cluster.add_people(names[0])
        for name in names[1:]:
            cluster[name].begin()
            await until(lambda name=name: stands_by(cluster, name), "it stands by", 60.0, 0.1)  # type: ignore[misc]
            await until(lambda: has_waited(cluster), "it has been there for a lease", 2 * LEASE, 0.1)
        yield cluster


def work(count: int, done: str) -> str:
    """Return a text whose turn writes a line of the time each tenth of a second."""
    call = {"name": "Bash", "input": {"command": LINES.format(count=count), "description": "write"}}
    return "claude: @@" + json.dumps({"steps": [{"tools": [call]}, {"text": done}]})


def written(cluster: Cluster) -> list[int]:
    """Return the times at which the agents wrote, in milliseconds UTC."""
    path = cluster.project() / "effects.log"
    return [int(line) for line in path.read_text(encoding="utf-8").split()] if path.exists() else []


@pytest.mark.parametrize("how", ["pause", "cut"])
async def test_an_agent_writes_nothing_after_its_node_was_taken_over(
    tmp_path: Path, server: PostgresServer, how: str
) -> None:
    async with agents(tmp_path, server, "a", "b") as cluster:
        a = cluster["a"]
        assert (await cluster.text("a", work(6000, "never")))[0] == 200
        await until(lambda: len(written(cluster)) > 3, "the agent works", 60.0)
        if how == "pause":
            a.pause()
        else:
            a.store.cut()
        await until(lambda: is_ready(cluster, "b"), "b has taken over", TAKE_OVER_SECONDS, 0.1)
        lines = written(cluster)
        ((taken_over,),) = await cluster.rows(ENDED)
        assert lines[-1] < taken_over
        await cluster.answer("interrupted", PHONES["alice"])
        assert await cluster.ask("b", "claude: @@" + json.dumps({"steps": [{"text": "goes on"}]}), "goes on")
        if how == "pause":
            assert await a.daemon.ended() == -signal.SIGKILL
        else:
            a.store.mend()
            assert await a.daemon.ended() == EXIT_FENCED
        assert written(cluster) == lines
        found = await check(cluster, "b", accepted={"goes on": PHONES["alice"]})
        assert found == {"interrupted": 1, "completed": 1}


async def test_an_agent_goes_on_after_the_database_was_away_for_longer_than_a_lease(
    tmp_path: Path, server: PostgresServer
) -> None:
    async with agents(tmp_path, server, "a") as cluster:
        count = round(15 * cluster.lease)  # it works for longer than a lease
        assert (await cluster.text("a", work(count, "all written")))[0] == 200
        await until(lambda: len(written(cluster)) > 3, "the agent works", 60.0)
        await asyncio.to_thread(server.control, "stop", "-m", "fast")
        try:
            await until(lambda: "the agents are frozen" in cluster["a"].log, "it is frozen", LEASE)
            lines, over = len(written(cluster)), time.monotonic() + cluster.lease
            await until(lambda: time.monotonic() > over, "its lease is over", LEASE + 10.0)
            assert len(written(cluster)) == lines
            assert cluster["a"].daemon.running
        finally:
            await asyncio.to_thread(server.control, "start")
        await cluster.answer("all written")
        assert len(written(cluster)) == count
        assert await check(cluster, "a", accepted={"all written": PHONES["alice"]}) == {"completed": 1}
