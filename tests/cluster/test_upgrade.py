"""Nodes are upgraded one after the other as docs/cluster.md says it, with two versions of the program at work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.invariants import check
from tests.cluster.looking import are_linked
from tests.cluster.versions import TAKES_AWAY, Version, later_version, older_version, this_version
from tests.cluster.writing import Writing
from tests.postgres_server import PostgresServer
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.e2e]

SCHEMA = "SELECT max(version) FROM migrations"
OF_CLUSTER = {"nodes", "links", "clock", "write lock", "projects", "channel leaders", "database server"}
"""What doctor says about a cluster."""

Steps = Callable[[Path], tuple[Version, Version]]


def from_older(folder: Path) -> tuple[Version, Version]:
    """From a real older state of the sources to this one."""
    return older_version(folder), this_version()


def to_later(folder: Path) -> tuple[Version, Version]:
    """From this state of the sources to one with a migration more."""
    return this_version(), later_version(folder)


@pytest.mark.parametrize("steps", [from_older, to_later], ids=["from an older version", "to a later version"])
async def test_while_nodes_are_upgraded_each_message_is_answered_once_by_old_and_new(
    tmp_path: Path, server: PostgresServer, steps: Steps
) -> None:
    old, new = steps(tmp_path / "version")
    async with Cluster(
        tmp_path, server, "abc", lease=15.0, environments=dict.fromkeys("abc", old.environment)
    ) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        await cluster["b"].start()
        await cluster["c"].start()
        assert await cluster.rows(SCHEMA) == [(old.schema,)]
        async with Writing(cluster) as writing:
            await writing.more()
            for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
                await upgrade(cluster, name, other, new)
                await until(lambda: are_linked(cluster, name), "they are linked", 30.0, 0.2)  # noqa: B023
                await is_well(cluster, name)
                assert await cluster.rows(SCHEMA) == [(new.schema,)]
                await takes_some(writing)
            # Who accepts, and who works in the folder of the project, may be of different versions all the time.
        await writing.answered()
        assert await numbers(cluster) == dict.fromkeys("abc", new.number)
        assert await check(cluster, "a", accepted=writing.sent) == {"completed": len(writing.sent)}
        for name in cluster.nodes:
            await is_well(cluster, name)


async def test_a_version_that_takes_something_away_waits_for_older_nodes_and_keeps_them_out(
    tmp_path: Path, server: PostgresServer
) -> None:
    old, new = this_version(), later_version(tmp_path / "version", TAKES_AWAY)
    async with Cluster(tmp_path, server, ["a", "b"], environments=dict.fromkeys("ab", old.environment)) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        await cluster["b"].start()
        await drain(cluster, "b", "a")
        cluster["b"].daemon.set(new.environment)
        early = await cluster["b"].daemon.fails_to_start()
        assert early.code
        assert "other nodes use it: a" in early.err
        assert await cluster.rows(SCHEMA) == [(old.schema,)]
        await cluster.ask("a", "claude: before", "before")
        await drain(cluster, "a", "a")
        await cluster["b"].start()
        assert await cluster.rows(SCHEMA) == [(new.schema,)]
        late = await cluster["a"].daemon.fails_to_start()
        assert late.code
        assert f"this program knows only up to {old.schema}" in late.err
        cluster["a"].daemon.set(new.environment)
        await cluster["a"].start()
        await cluster.ask("a", "claude: after", "after")
        assert await numbers(cluster) == dict.fromkeys("ab", new.number)


async def upgrade(cluster: Cluster, name: str, other: str, new: Version) -> None:
    """Drain a node by the command line of another one, and start it again as a new version."""
    await drain(cluster, name, other)
    cluster[name].daemon.set(new.environment)
    await cluster[name].start()


async def drain(cluster: Cluster, name: str, other: str) -> None:
    drained = await cluster[other].xswarm("node", "drain", name)
    assert drained.code == 0, drained
    assert await cluster[name].daemon.ended() == 0


async def takes_some(writing: Writing) -> None:
    """Wait until each node has accepted some more texts."""
    goals = {name: count + 2 for name, count in writing.at.items()}
    while any(writing.at[name] < goal for name, goal in goals.items()):
        await writing.more(1)


async def is_well(cluster: Cluster, at: str) -> None:
    """Check that doctor finds nothing wrong with the cluster."""
    ended = await cluster[at].xswarm("doctor", "--offline", "--json")
    found = {one["name"]: one for one in ended.document if one["name"] in OF_CLUSTER}
    assert set(found) == OF_CLUSTER
    assert [one for one in found.values() if one["status"] != "ok"] == []


async def numbers(cluster: Cluster) -> dict[str, str]:
    """Return the version of each node."""
    return dict(await cluster.rows("SELECT name, version FROM nodes"))
