"""A question that was asked on one node is answered at the other, and its call runs once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from supervisor.config import Limits
from supervisor.store.ports.cluster.nodes import NewNode
from tests.fakes import ScriptedConnector
from tests.postgres_server import PostgresServer, started_server
from tests.supervisor.approvals.questions import answer_of, asking, say
from tests.supervisor.harness import Core
from tests.supervisor.helpers import scripted, text_message, told_texts
from tests.waiting import until

pytestmark = pytest.mark.postgres

ROUNDS = 50
"""Questions that are answered at both nodes at the same moment."""
ALLOWED = "SELECT count(*) FROM audit WHERE event = 'approval.allowed'"


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
                    limits=Limits(messages_per_minute=10 * ROUNDS, messages_per_hour=10 * ROUNDS),
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


async def test_a_message_that_interrupts_a_turn_of_the_other_node_is_told_so(cores: tuple[Core, Core]) -> None:
    one, two = cores
    await one.intake.accept(text_message("claude: hold the door"))
    await until(lambda: scripted(one).held() or scripted(two).held(), "its turn runs")
    runs_on, other = (one, two) if scripted(one).held() else (two, one)
    await other.intake.accept(text_message("claude: interrupt: and the window"))
    await until(runs_on.all_answered, "it is interrupted, and the message is answered")
    told = await told_texts(other)
    assert told[0] == "Stopping the running turn; your message is next in the queue."
    assert told[1].startswith("Stopped.")
    assert told[2].startswith("and the window")
    await other.intake.accept(text_message("claude: interrupt: nothing runs now"))
    await until(runs_on.all_answered, "it is answered")
    (answer,) = await told_texts(other)
    assert answer.startswith("nothing runs now")


async def test_a_yes_that_is_given_at_both_nodes_at_one_moment_counts_once(cores: tuple[Core, Core]) -> None:
    for number in range(ROUNDS):
        message, approval = await asking(cores[number % 2], f"git push {number}")
        told = await asyncio.gather(*(say(core, f"YES {approval.code}") for core in cores))
        assert sum(text.startswith("Allowed once: ") for text in told) == 1, told
        assert sum("was allowed before" in text for text in told) == 1, told
        assert await answer_of(cores[0], message) == "allowed: True"
    rows = await cores[0].store._database.read(lambda connection: connection.execute(ALLOWED).fetchall())
    assert rows == [(ROUNDS,)]
