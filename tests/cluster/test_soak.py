"""Three nodes that are killed, paused and cut off again and again: nothing lost, nothing twice, sums and chain intact.

XSWARM_KILLS says how often, half of it in each of the two forms (`make soak-cluster`: many times).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.cluster.cluster import PHONES, Cluster, ClusterNode, slow
from tests.cluster.invariants import check
from tests.cluster.wire import Wire
from tests.postgres_server import PostgresServer
from tests.slowness import scaled
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.cli_process, pytest.mark.soak]

DEFAULT_KILLS = 6
NAMES = ("a", "b", "c")
PATIENCE = 120.0

LINES = "for i in 1 2 3 4 5; do echo {key} $$ >> effects.log; sleep 0.1; done"
"""What the agent of a turn does; `$$` is the process id of its shell."""


@dataclass
class Run:
    """What was sent, and what was done to the nodes."""

    cluster: Cluster
    sent: dict[str, str] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    over: bool = False
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def shells(self) -> dict[str, set[str]]:
        """Return which processes have worked on each turn."""
        found: dict[str, set[str]] = defaultdict(set)
        for name in PHONES:
            path = self.cluster.project(name) / "effects.log"
            for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
                key, shell = line.split()
                found[key].add(shell)
        return found

    def answered(self) -> int:
        """Return how many texts people have got."""
        return sum(message.outgoing for message in self.cluster.twilio.messages)

    async def ready(self, turn: int = 0) -> ClusterNode | None:
        """Return a node that says it is ready, as a load balancer finds one: another with each turn."""
        nodes = list(self.cluster.nodes.values())
        for node in nodes[turn % len(nodes) :] + nodes[: turn % len(nodes)]:
            if node.is_ready:
                with suppress(httpx.HTTPError):
                    if (await self.cluster.client.get(f"{node.http}/readyz", timeout=scaled(2.0))).status_code == 200:
                        return node
        return None


@asynccontextmanager
async def kept(run: Run) -> AsyncIterator[None]:
    """Keep the nodes in a `with` block."""
    keeping = asyncio.create_task(keep(run), name="service manager")
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


@pytest_asyncio.fixture(params=["active", "standby"])
async def run(request: pytest.FixtureRequest, tmp_path: Path, server: PostgresServer) -> AsyncIterator[Run]:
    """Three nodes: all are active, or one is and two stand by. Each project is one resource. The agents are real."""
    async with Cluster(
        tmp_path,
        server,
        NAMES,
        connector="claude_code",
        lease=6.0,
        standby=request.param == "standby",
        projects=dict.fromkeys(("site", *PHONES), "everywhere = true"),
        claude_code='sandbox = "off"',
        permissions="full",
        tables="[approvals]\nhigh_risk = []\n",
    ) as cluster:
        await cluster["a"].start()
        await cluster.add_people("a")
        run = Run(cluster)
        async with kept(run):
            yield run


def work(name: str, key: str) -> str:
    """Return a text whose turn writes some lines to the project of a person."""
    call = {"name": "Bash", "input": {"command": LINES.format(key=key), "description": "write"}}
    return f"claude: @{name} {key} @@" + json.dumps({"steps": [{"tools": [call]}, {"text": f"done {key}"}]})


async def texts(run: Run, name: str) -> None:
    """Text whichever node is ready, one after the other; what no node took is found by the catch-up."""
    number = 0
    while not run.over:
        number += 1
        key = f"{name}-{number:04}"
        run.sent[key] = PHONES[name]
        body = slow(f"said {key}", 0.5) if number % 3 else work(name, key)
        node = await run.ready(number)
        if node is None:
            run.cluster.twilio.book.received(PHONES[name], body, 0)
        else:
            await run.cluster.text(node.name, body, PHONES[name])
        await until(lambda: run.cluster.answers(key, PHONES[name]), f"{key} is answered", PATIENCE)  # noqa: B023


async def trouble(run: Run, rounds: int) -> None:
    """Do something bad to the node that works, or to another one, after some answers."""
    pick = random.Random(rounds)
    while run.done.total() < rounds:
        goal = run.answered() + pick.randint(2, 6)
        await until(lambda: run.answered() >= goal, "some texts are answered", PATIENCE)  # noqa: B023
        nodes = [node for node in run.cluster.nodes.values() if node.daemon.running]
        working = [node for node in nodes if node.is_ready]
        if not nodes:
            continue
        node = pick.choice(working if pick.random() < 0.7 and working else nodes)
        what = pick.choice(("kill", "pause", "cut", "cut off the others"))
        run.done[what] += 1
        if what == "kill":
            async with run.starting:
                await node.kill()
        elif what == "pause":
            node.pause()
            await asyncio.sleep(pick.uniform(0.5, 2.0) * run.cluster.lease)  # a pause is a time
            node.go_on()
        else:
            await cut(node.store if what == "cut" else node.link, pick, run.cluster.lease)
    run.over = True


async def keep(run: Run) -> None:
    """Start each node again that has ended, for whatever reason, as a service manager does."""
    while True:
        for node in run.cluster.nodes.values():
            async with run.starting:
                if not node.daemon.running:
                    await node.kill()
                    node.begin()
        await asyncio.sleep(0.5)  # its pause before a start


async def cut(wire: Wire, pick: random.Random, lease: float) -> None:
    """Cut a wire for some time, in both directions or in one."""
    lost = pick.choice(("both", "forth", "back"))
    wire.cut(forth=lost != "back", back=lost != "forth")
    await asyncio.sleep(pick.uniform(0.2, 2.0) * lease)  # a cut is a time
    wire.mend()


async def test_nodes_that_are_killed_paused_and_cut_off_lose_nothing_and_do_nothing_twice(run: Run) -> None:
    rounds = -(-int(os.environ.get("XSWARM_KILLS", DEFAULT_KILLS)) // 2)
    async with asyncio.TaskGroup() as group:
        for name in PHONES:
            group.create_task(texts(run, name), name=f"texts of {name}")
        group.create_task(trouble(run, rounds), name="trouble")
    await until(run.ready, "a node is ready", PATIENCE)
    node = await run.ready()
    assert node is not None
    states = await check(run.cluster, node.name, accepted=run.sent)
    assert sum(states.values()) == len(run.sent)
    assert set(states) <= {"completed", "interrupted", "failed"}, states
    assert {key: shells for key, shells in run.shells().items() if len(shells) > 1} == {}, "agents of two nodes"
