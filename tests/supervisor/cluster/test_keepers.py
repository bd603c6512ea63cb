"""A conversation that comes back to a node is not resumed from what that node had of it before."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from supervisor.cluster.joining import node_id
from supervisor.protocol.conversation import Trace, TraceKind
from supervisor.store.ports.cluster.nodes import NewNode
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import ask, connect, scripted, session

pytestmark = pytest.mark.postgres


class Start(Protocol):
    def __call__(self, name: str, at: str = "", *, by_name: bool = False) -> Core:
        """Make a node of the same database, each time as after a restart.

        Args:
            at: the name of its state.dir; empty = that of the node.
            by_name: as in an earlier version, it has no id.
        """


@pytest.fixture
def start(tmp_path: Path, url: str) -> Start:
    """Make nodes that have the projects in common, and each a state.dir of its own."""

    def node(name: str, at: str = "", *, by_name: bool = False) -> Core:
        folder = tmp_path / (at or name)
        folder.mkdir(exist_ok=True)
        for project in ("site", "vault", "open"):
            (tmp_path / project).mkdir(exist_ok=True)
            if not (folder / project).exists():
                (folder / project).symlink_to(tmp_path / project)
        keeper = "" if by_name else node_id(folder)
        new = NewNode(name=name, seat=str(folder), lease_seconds=3600.0, keeper=keeper)
        return Core(folder, url=url, node=new, connector=ScriptedConnector())

    return node


async def elsewhere(core: Core, text: str) -> bool:
    """Send a prompt, and return whether another node had the conversation when the process for it was opened."""
    await ask(core, text)
    (opened,) = scripted(core).opened
    return opened.spec.elsewhere


async def test_only_the_node_of_the_last_prompt_has_the_conversation(start: Start, tmp_path: Path) -> None:
    was_elsewhere = []
    for number, name in enumerate(["a", "a", "b", "b", "a"]):
        async with start(name) as core:
            if number == 0:
                await connect(core)
            was_elsewhere.append(await elsewhere(core, f"prompt {number}"))
            assert len(scripted(core).histories[0]) == number
            assert (await session(core)).node == node_id(tmp_path / name)
    assert was_elsewhere == [False, False, True, False, True]


async def test_a_node_that_only_connects_does_not_keep_the_conversation(start: Start) -> None:
    async with start("a") as one:
        await connect(one)
        await ask(one, "prompt")
    async with start("b") as two:
        await connect(two)
        assert [opened.spec.elsewhere for opened in scripted(two).opened] == [True]
    async with start("a") as one:
        assert not await elsewhere(one, "again")


async def test_what_a_node_has_of_a_conversation_says_nothing_of_a_prompt_that_another_one_gave(
    start: Start,
) -> None:
    async with start("a") as one:
        await connect(one)
        given = (await ask(one, "prompt")).turn.message_id
        scripted(one).traces[given] = Trace(kind=TraceKind.SPOKEN)
        assert (await one.sessions.trace(await session(one), given)).kind is TraceKind.SPOKEN
    async with start("b") as two:
        scripted(two).traces[given] = Trace(kind=TraceKind.ABSENT)
        assert (await two.sessions.trace(await session(two), given)).kind is TraceKind.UNKNOWN


async def test_a_node_that_is_renamed_has_its_conversations(start: Start) -> None:
    async with start("a") as one:
        await connect(one)
        given = (await ask(one, "prompt")).turn.message_id
    async with start("c", at="a") as renamed:
        scripted(renamed).traces[given] = Trace(kind=TraceKind.SPOKEN)
        assert (await renamed.sessions.trace(await session(renamed), given)).kind is TraceKind.SPOKEN
        assert not await elsewhere(renamed, "again")


async def test_a_new_machine_with_the_name_of_an_old_one_has_not_its_conversations(start: Start) -> None:
    async with start("a") as one:
        await connect(one)
        await ask(one, "prompt")
    async with start("a", at="new") as new:
        assert await elsewhere(new, "again")


async def test_what_an_earlier_version_noted_by_name_counts_until_the_next_prompt(start: Start, tmp_path: Path) -> None:
    async with start("a", by_name=True) as before:
        await connect(before)
        given = (await ask(before, "prompt")).turn.message_id
        assert (await session(before)).node == "a"
    async with start("b") as other:
        await connect(other)
        assert [opened.spec.elsewhere for opened in scripted(other).opened] == [True]
    async with start("a") as one:
        scripted(one).traces[given] = Trace(kind=TraceKind.SPOKEN)
        assert (await one.sessions.trace(await session(one), given)).kind is TraceKind.SPOKEN
        assert not await elsewhere(one, "again")
        assert (await session(one)).node == node_id(tmp_path / "a")
    async with start("c", at="a") as renamed:
        assert not await elsewhere(renamed, "once more")
