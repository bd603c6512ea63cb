"""A node joins with the keys of the cluster only; all may get another secret while none works."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from supervisor.protocol.errors import ConfigError
from supervisor.store.ports.cluster.nodes import OF_AUDIT, OF_CLUSTER, KeyChecks, NewNode
from supervisor.store.postgres import opening
from supervisor.store.postgres.opening import Address
from supervisor.store.postgres.store import open_postgres
from tests.supervisor.store.builders import NOW, seal
from tests.supervisor.store.postgres.cluster.test_nodes import joined

pytestmark = pytest.mark.postgres

KEYS = KeyChecks(cluster=1, audit=2)
A = NewNode(name="a", seat="machine a", lease_seconds=600.0, keys=KEYS)
B = replace(A, name="b", seat="machine b")
VISITOR = replace(A, name="a~7", seat="")


def with_keys(node: NewNode, cluster: int | None, audit: int | None) -> NewNode:
    return replace(node, keys=KeyChecks(cluster=cluster, audit=audit))


async def refusal(url: str, node: NewNode) -> ConfigError:
    """Return why a node may not join."""
    with pytest.raises(ConfigError) as refused:
        await open_postgres(Address(url, node=node), seal=seal)
    return refused.value


async def test_who_has_the_keys_of_the_first_node_joins(url: str) -> None:
    async with joined(url, A), joined(url, B), joined(url, VISITOR) as last:
        assert [node.name for node in await last.nodes.live()] == ["a", "b", "a~7"]


@pytest.mark.parametrize(("cluster", "why"), [(9, "is another one"), (None, "is not set")])
@pytest.mark.parametrize("node", [B, VISITOR], ids=["node", "visitor"])
async def test_a_node_with_another_secret_or_none_does_not_start(
    url: str, node: NewNode, cluster: int | None, why: str
) -> None:
    async with joined(url, A):
        pass
    refused = await refusal(url, with_keys(node, cluster, 2))
    assert refused.key == "XSWARM_CLUSTER_SECRET"
    assert why in refused.problem
    assert "xswarm node forget-secret" in refused.remedy
    async with joined(url, A) as a:
        assert [one.name for one in await a.nodes.live()] == ["a"]


async def test_a_node_with_another_key_of_the_audit_trail_does_not_start(url: str) -> None:
    async with joined(url, A):
        pass
    refused = await refusal(url, with_keys(B, 1, 9))
    assert "seal the audit trail with another key" in str(refused)
    assert "secrets/audit" in refused.remedy


async def test_no_second_node_works_beside_one_without_a_secret(url: str) -> None:
    alone = with_keys(A, None, 2)
    async with joined(url, alone):
        refused = await refusal(url, with_keys(B, None, 2))
        assert "other nodes work on this database: a" in str(refused)
        async with joined(url, with_keys(VISITOR, None, 2)):
            pass
    async with joined(url, alone):
        pass


@pytest.mark.parametrize("restarted", [replace(A, name="c", seat="after a boot"), replace(A, name="c")])
async def test_a_killed_node_without_a_secret_starts_again_under_another_name(url: str, restarted: NewNode) -> None:
    async with joined(url, with_keys(A, None, 2)):
        if restarted.seat != A.seat:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("UPDATE nodes SET until_ms = 0 WHERE name = 'a'")
        async with joined(url, with_keys(restarted, None, 2)) as store:
            assert [node.name for node in await store.nodes.live()] == ["a", "c"]


async def test_no_node_with_a_secret_begins_beside_one_without(url: str) -> None:
    alone = with_keys(A, None, None)
    async with joined(url, alone) as a:
        refused = await refusal(url, B)
        assert refused.key == "XSWARM_CLUSTER_SECRET"
        assert "nodes that have none work on this database: a" in refused.problem
        assert "stop them, give all nodes the same one" in refused.remedy
        assert await a.keys.get_mark(OF_CLUSTER) is None
        assert await a.keys.get_mark(OF_AUDIT) is None


async def test_a_node_alone_gets_a_secret_when_it_becomes_a_cluster(url: str) -> None:
    async with joined(url, with_keys(A, None, None)):
        pass
    async with joined(url, A), joined(url, B):
        pass


async def test_a_visitor_says_nothing_about_the_keys(url: str) -> None:
    async with joined(url, with_keys(VISITOR, 9, 9)):
        pass
    async with joined(url, A):
        pass


async def test_while_no_node_works_all_get_another_secret_and_keep_the_key_of_the_trail(url: str) -> None:
    async with joined(url, A), joined(url, VISITOR) as visitor:
        with pytest.raises(ConfigError, match="cannot be changed while nodes work: a"):
            await visitor.nodes.forget_keys(lost=False, by="operator", now_ms=NOW)
    async with joined(url, VISITOR) as visitor:
        await visitor.nodes.forget_keys(lost=False, by="operator", now_ms=NOW)
        entry = (await visitor.audit.entries(after=0, limit=100))[-1]
        assert (entry.actor, entry.event) == ("operator", "node.keys_forgotten")
    assert "audit trail" in str(await refusal(url, with_keys(A, 3, 9)))
    async with joined(url, with_keys(A, 3, 2)):
        pass
    assert (await refusal(url, A)).key == "XSWARM_CLUSTER_SECRET"


async def test_after_all_keys_were_lost_a_cluster_goes_on_with_new_ones(url: str) -> None:
    async with joined(url, A):
        pass
    async with joined(url, replace(VISITOR, keys=None)) as visitor:
        await visitor.nodes.forget_keys(lost=True, by="operator", now_ms=NOW)
    async with joined(url, with_keys(A, 3, 4)), joined(url, with_keys(B, 3, 4)):
        pass


async def test_the_numbers_of_commits_do_not_pile_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "KEPT_COMMITS", 2)
    async with joined(url, A) as lives:
        await lives.keys.set_mark("kept", 7)
        for _ in range(5):
            async with joined(url, B) as store:
                await store.keys.set_mark("kept", 7)
        with psycopg.connect(url) as connection:
            rows = connection.execute("SELECT name FROM marks WHERE name LIKE 'commit %'").fetchall()
        assert f"commit {lives.epoch}" in [name for (name,) in rows]
        assert len(rows) <= 1 + 2
        assert await lives.keys.get_mark("kept") == 7
