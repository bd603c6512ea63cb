"""A conversation that comes back to a node is not resumed from what that node had of it before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from supervisor.protocol.conversation import Trace, TraceKind
from supervisor.store.ports.cluster.nodes import NewNode
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import ask, connect, scripted, session

pytestmark = pytest.mark.postgres


@pytest.fixture
def start(tmp_path: Path, url: str) -> Callable[[str], Core]:
    """Make a node of the same database by its name, each time as after a restart."""

    def node(name: str) -> Core:
        new = NewNode(name=name, seat=name, lease_seconds=3600.0)
        return Core(tmp_path, url=url, node=new, connector=ScriptedConnector())

    return node


async def test_only_the_node_of_the_last_prompt_has_the_conversation(start: Callable[[str], Core]) -> None:
    elsewhere = []
    for number, name in enumerate(["a", "a", "b", "b", "a"]):
        async with start(name) as core:
            if number == 0:
                await connect(core)
            await ask(core, f"prompt {number}")
            (opened,) = scripted(core).opened
            elsewhere.append(opened.spec.elsewhere)
            assert len(scripted(core).histories[0]) == number
            assert (await session(core)).node == name
    assert elsewhere == [False, False, True, False, True]


async def test_a_node_that_only_connects_does_not_keep_the_conversation(start: Callable[[str], Core]) -> None:
    async with start("a") as one:
        await connect(one)
        await ask(one, "prompt")
    async with start("b") as two:
        await connect(two)
        assert [opened.spec.elsewhere for opened in scripted(two).opened] == [True]
    async with start("a") as one:
        await ask(one, "again")
        assert [opened.spec.elsewhere for opened in scripted(one).opened] == [False]


async def test_what_a_node_has_of_a_conversation_says_nothing_of_a_prompt_that_another_one_gave(
    start: Callable[[str], Core],
) -> None:
    async with start("a") as one:
        await connect(one)
        given = (await ask(one, "prompt")).turn.message_id
        scripted(one).traces[given] = Trace(kind=TraceKind.SPOKEN)
        assert (await one.sessions.trace(await session(one), given)).kind is TraceKind.SPOKEN
    async with start("b") as two:
        scripted(two).traces[given] = Trace(kind=TraceKind.ABSENT)
        assert (await two.sessions.trace(await session(two), given)).kind is TraceKind.UNKNOWN
