"""One node after the other is drained and started again, as in an upgrade, while people write: no message fails."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cluster.cluster import PHONES, Cluster, slow
from tests.cluster.invariants import check
from tests.postgres_server import PostgresServer
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.e2e]

PAUSE_SECONDS = 0.2
"""Between two texts: five each second."""


async def test_nodes_that_are_drained_one_after_the_other_fail_no_message(
    tmp_path: Path, server: PostgresServer
) -> None:
    async with Cluster(tmp_path, server, ["a", "b"], lease=15.0) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        await cluster["b"].start()
        sent: dict[str, str] = {}
        over = asyncio.Event()
        writing = asyncio.create_task(write(cluster, sent, over))
        for name, other in (("a", "b"), ("b", "a")):
            goal = len(sent) + 5
            await until(lambda: len(sent) >= goal or writing.done(), "some texts were sent", 60.0)  # noqa: B023
            assert not writing.done(), writing.exception()
            drained = await cluster[other].xswarm("node", "drain", name)
            assert drained.code == 0, drained
            assert await cluster[name].daemon.ended() == 0
            await cluster[name].start()
        over.set()
        await writing
        for key, phone in sent.items():
            await cluster.answer(key, phone)
        states = await check(cluster, "a", accepted=sent)
        assert states == {"completed": len(sent)}


async def write(cluster: Cluster, sent: dict[str, str], over: asyncio.Event) -> None:
    """Text the nodes in turns; what one refuses goes to the other, as a load balancer does it."""
    number = 0
    people = list(PHONES.items())
    while not over.is_set():
        number += 1
        who, phone = people[number % len(people)]
        key = f"{who}-{number:04}"
        body = slow(f"said {key}", 0.3) if number % 2 else f"claude: {key}"
        sid, refused = "", []
        for at in ("a", "b") if number % 4 < 2 else ("b", "a"):
            status, sid = await cluster.text(at, body, phone, sid=sid)
            if status == 200:
                break
            refused.append((at, status))
        assert status == 200, f"{key} was refused by both nodes: {refused}\n{cluster['a'].log}\n{cluster['b'].log}"
        sent[key] = phone
        await asyncio.sleep(PAUSE_SECONDS)  # the rate is what is wanted
