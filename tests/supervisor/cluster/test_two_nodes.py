"""A question that was asked on one node is answered at the other, and its call runs once."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from supervisor.store.ports.cluster.nodes import NewNode
from tests.fakes import ScriptedConnector
from tests.postgres_server import PostgresServer, started_server
from tests.supervisor.approvals.questions import answer_of, asking, say
from tests.supervisor.harness import Core
from tests.waiting import until

pytestmark = pytest.mark.postgres


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server, or a skipped test and the reason."""
    with started_server() as server:
        yield server


@pytest.fixture
async def cores(tmp_path: Path, server: PostgresServer) -> AsyncIterator[tuple[Core, Core]]:
    """Two nodes in this process, on one database and one folder."""
    database = f"answers_{os.urandom(4).hex()}"
    server.create(database)
    async with AsyncExitStack() as stack:
        one, two = [
            await stack.enter_async_context(
                Core(
                    tmp_path,
                    url=server.url(database),
                    node=NewNode(name=name, seat=name, lease_seconds=3600.0),
                    connector=ScriptedConnector(),
                )
            )
            for name in "ab"
        ]
        yield one, two


async def test_a_yes_and_a_no_at_the_other_node_reach_the_call(cores: tuple[Core, Core]) -> None:
    one, two = cores
    message, approval = await asking(one)
    await until(lambda: one.approvals.pending.all() or two.approvals.pending.all(), "a call waits")
    asked_on, other = (one, two) if one.approvals.pending.all() else (two, one)
    assert await say(other, f"YES {approval.code}") == "Allowed once: Bash git push"
    assert await answer_of(asked_on, message) == "allowed: True"
    assert await say(asked_on, f"YES {approval.code}") == f"{approval.code} was allowed before and has been used."
    message, approval = await asking(other, "git pull")
    assert "Denied" in await say(other, f"NO {approval.code}")
    assert "the person said no" in await answer_of(asked_on, message)
