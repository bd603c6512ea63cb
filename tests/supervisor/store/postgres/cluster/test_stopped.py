"""A node that is stopped in the middle of a transaction holds nobody up for long, and stores nothing of it later."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from supervisor.protocol.messages import MessageId
from supervisor.store.ports.cluster.nodes import NewNode
from supervisor.store.postgres.opening import Address
from supervisor.store.postgres.store import open_postgres
from tests import proc
from tests.slowness import scaled
from tests.supervisor.store.builders import end_node, question, seal
from tests.waiting import until

pytestmark = pytest.mark.postgres

STATES = {"accept": None, "start": "pending", "finish": "running"}
"""What is stored of a message when the transaction of each step does not count."""


@pytest.mark.parametrize("step", STATES)
async def test_the_lock_is_free_soon_and_the_late_transaction_does_not_count(url: str, step: str) -> None:
    stopped = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.supervisor.store.postgres.stopping", url, f"{step}.before_commit"),
        stdout=asyncio.subprocess.PIPE,
    )
    await until(lambda: proc.state(stopped.pid) == "T", "it is stopped", 30.0)
    store = await open_postgres(Address(url, node=NewNode(name="other", lease_seconds=600.0)), seal=seal)
    try:
        # Its connection is ended by the server, as its lease lasts for long.
        async with asyncio.timeout(scaled(10.0)):
            assert (await store.turns.accept(question(lane="assistant/bob/sms"))).written
        (dead,) = [node for node in await store.nodes.live() if node.name == "stopping"]
        await end_node(store, dead.epoch)
        os.kill(stopped.pid, signal.SIGCONT)
        out, _ = await stopped.communicate()
        assert out.decode() in ("StorageError Fenced", "Fenced Fenced")
        found = await store.turns.result(MessageId("m1"))
        assert (None if found is None else found.turn.state.value) == STATES[step]
        assert await store.ledger.disagreements() == []
        assert await store.audit.verify() is None
    finally:
        await store.close()
