"""What must be true of the database after kills, pauses and partitions, whatever the nodes went through."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.cluster.cluster import Cluster
from tests.waiting import until

OPEN = "SELECT count(*) FROM turns WHERE state IN ('pending', 'running', 'waiting')"
UNSENT = "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')"

UNDER_DEAD_EPOCHS = """
    SELECT 'turn', t.id, t.epoch FROM turns AS t
    WHERE t.state = 'running' AND t.epoch NOT IN (SELECT epoch FROM nodes)
    UNION ALL
    SELECT 'outbox', o.number, o.epoch FROM outbox AS o
    WHERE o.state = 'sending' AND o.epoch NOT IN (SELECT epoch FROM nodes)
"""

ENDS = """
    SELECT i.message_id, t.state, coalesce(t.answer, '') FROM inbox AS i JOIN turns AS t ON t.id = i.turn_id
"""

FINAL = frozenset({"completed", "failed", "interrupted", "cancelled"})


async def check(cluster: Cluster, at: str, *, accepted: dict[str, str]) -> Counter[str]:
    """Check the invariants once all is quiet.

    Args:
        at: a node that runs; its command line checks sums and audit trail.
        accepted: what was accepted: a word of each message's answer by the phone that sent it, as `{word: phone}`.

    Returns:
        how many turns ended in which state.
    """
    await until(lambda: _quiet(cluster), "every turn has ended and every reply has left", 120.0, 0.2)
    ends = await cluster.rows(ENDS)
    assert [row for row in ends if row[1] not in FINAL] == []
    assert len({row[0] for row in ends}) == len(ends)
    if await _has_nodes(cluster):
        assert await cluster.rows(UNDER_DEAD_EPOCHS) == []
    told = {word: len(cluster.answers(word, phone)) for word, phone in accepted.items()}
    assert {word: count for word, count in told.items() if count != 1} == {}, "each is answered exactly once"
    sound = await cluster[at].xswarm("db", "check")
    assert sound.code == 0, sound
    trail = await cluster[at].xswarm("audit", "verify")
    assert "intact" in trail.out, trail
    return Counter(row[1] for row in ends)


async def _quiet(cluster: Cluster) -> bool:
    return await _count(cluster, OPEN) == 0 and await _count(cluster, UNSENT) == 0


async def _count(cluster: Cluster, sql: str) -> int:
    rows: list[tuple[Any, ...]] = await cluster.rows(sql)
    return int(rows[0][0])


async def _has_nodes(cluster: Cluster) -> bool:
    return bool((await cluster.rows("SELECT to_regclass('nodes') IS NOT NULL"))[0][0])
