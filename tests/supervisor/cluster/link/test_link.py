"""Two nodes in this process, linked over loopback: events as far as they are wanted, acts, and what a cut does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from supervisor.cluster.link.acts import Acts
from supervisor.cluster.link.errors import NodeUnreachable, RefusedThere
from supervisor.cluster.link.link import Link
from supervisor.delivery.hub import Hub
from supervisor.protocol.errors import MaxSessions
from supervisor.protocol.events import AnyEvent, ChatNotice, ClaudeCodeDelta, ClaudeCodeTool
from tests.cluster.wire import Wire
from tests.waiting import until

KEY = b"k" * 32
DELTA = ClaudeCodeDelta(session_id="s1", message_id="m1", text="hé\ud800llo")
TOOL = ClaudeCodeTool(
    session_id="s1", message_id="m1", tool_use_id="t1", name="Bash", status="started", input={"command": "ls"}
)


@dataclass
class Node:
    """One node of the tests."""

    name: str
    hub: Hub = field(default_factory=Hub)
    nodes: dict[str, str] = field(default_factory=dict)
    port: int = 0
    link: Link | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def others(self) -> Mapping[str, str]:
        return self.nodes

    async def wait(self) -> None:
        await self.ended.wait()

    @property
    def the(self) -> Link:
        assert self.link is not None
        return self.link


@asynccontextmanager
async def started(name: str, key: bytes = KEY) -> AsyncIterator[Node]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    node = Node(name, port=listener.getsockname()[1])
    node.link = Link(name, key, listener, node.others, node.hub, Acts(), look_seconds=0.02)
    node.hub.on_interest(node.link.interest)
    add_acts(node.link, node.ended)
    node.link.acts.add("wait", node.wait)
    await node.link.start()
    try:
        yield node
    finally:
        await node.link.aclose()


def add_acts(link: Link, ended: asyncio.Event) -> None:
    async def double(number: int, event: ClaudeCodeDelta | None = None) -> tuple[int, str]:
        if number < 0:
            raise MaxSessions(3)
        if number == 0:
            await ended.wait()
        return 2 * number, event.text if event is not None else ""

    async def broken() -> None:
        raise RuntimeError("canary")

    link.acts.add("double", double)
    link.acts.add("broken", broken)


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[Node, Node, Wire]]:
    async with started("a") as a, started("b") as b, Wire(b.port) as wire:
        a.nodes["b"] = f"ws://127.0.0.1:{wire.port}"
        b.nodes["a"] = f"ws://127.0.0.1:{a.port}"
        await until(lambda: a.the.standing() and b.the.standing(), "they are linked")
        yield a, b, wire


async def test_an_event_crosses_where_somebody_wants_it_and_is_not_even_built_where_nobody_does() -> None:
    async with pair() as (a, b, _):
        seen = list[AnyEvent]()
        take = seen.append
        assert not b.hub.wanted("session:s1")
        a.hub.subscribe("session:s1", take)
        a.hub.subscribe("user:ada", take)
        await until(lambda: b.hub.wanted("session:s1") and b.hub.wanted("user:ada"), "b knows")
        b.hub.publish(TOOL, ("session:s1", "user:ada"))
        b.hub.publish(ChatNotice(session_id="s1", message="other"), ("chat:s1",))
        b.hub.publish(DELTA, ("session:s1",))
        await until(lambda: len(seen) == 2, "they arrive")
        assert seen == [TOOL, replace(DELTA, text="hé?llo")]
        assert not a.hub.wanted("chat:s1")
        a.hub.unsubscribe("session:s1", take)
        a.hub.unsubscribe("user:ada", take)
        await until(lambda: not b.hub.wanted("session:s1", "user:ada"), "b knows that too")


async def test_what_three_nodes_want_makes_no_circle() -> None:
    async with pair() as (a, b, _), started("c") as c:
        for node in (a, b):
            node.nodes["c"] = f"ws://127.0.0.1:{c.port}"
        await until(lambda: len(c.the.standing()) == 2, "c is linked to both")
        seen = {node.name: list[AnyEvent]() for node in (a, b, c)}
        for node in (a, b, c):
            node.hub.subscribe("sessions", seen[node.name].append)
        await until(
            lambda: all(len(node.hub._relays["sessions"]) == 2 for node in (a, b, c)), "everyone knows of everyone"
        )
        a.hub.publish(TOOL, ("sessions",))
        await until(lambda: all(seen.values()), "all have seen it")
        assert await b.the.call("c", "double", number=4) == (8, "")
        assert {name: len(events) for name, events in seen.items()} == {"a": 1, "b": 1, "c": 1}


async def test_an_act_is_done_there_with_its_types_and_its_errors() -> None:
    async with pair() as (a, b, _):
        event = ClaudeCodeDelta(session_id="s1", message_id="m1", text="x")
        assert await a.the.call("b", "double", number=21, event=event) == (42, "x")
        assert await b.the.call("a", "double", number=1) == (2, "")
        with pytest.raises(RefusedThere) as refused:
            await a.the.call("b", "double", number=-1)
        assert (refused.value.code, str(refused.value)) == ("max_sessions", str(MaxSessions(3)))
        assert refused.value.remedy == MaxSessions.remedy
        with pytest.raises(RefusedThere) as failed:
            await a.the.call("b", "broken")
        assert failed.value.code == "internal"
        assert "canary" not in str(failed.value)


async def test_a_node_without_a_link_is_unreachable_at_once() -> None:
    async with started("a") as a:
        with pytest.raises(NodeUnreachable, match="Node b cannot be reached"):
            await a.the.call("b", "double", number=1)


async def test_a_cut_ends_what_waits_and_after_it_events_come_again() -> None:
    async with pair() as (a, b, wire):
        seen = list[AnyEvent]()
        a.hub.subscribe("costs", seen.append)
        await until(lambda: b.hub.wanted("costs"), "b knows")
        waiting = asyncio.create_task(a.the.call("b", "double", number=0))
        await a.the.call("b", "double", number=1)
        wire.cut()
        with pytest.raises(NodeUnreachable):
            await waiting
        await until(lambda: not b.the.standing() and not b.hub.wanted("costs"), "b has noticed it too")
        with pytest.raises(NodeUnreachable):
            await a.the.call("b", "double", number=1)
        wire.mend()
        await until(lambda: b.hub.wanted("costs"), "they are linked again")
        b.hub.publish(TOOL, ("costs",))
        await until(lambda: seen == [TOOL], "events come again")
        assert await a.the.call("b", "double", number=3) == (6, "")
        b.ended.set()  # else the link waits for the act that was begun before the cut


async def test_the_dialling_side_dials_again_while_acts_go_on_that_the_other_node_began() -> None:
    async with pair() as (a, b, wire):
        waiting = asyncio.create_task(b.the.call("a", "wait"))
        await b.the.call("a", "double", number=1)
        wire.cut()
        with pytest.raises(NodeUnreachable):
            await waiting
        await until(lambda: not a.the.standing() and not b.the.standing(), "both have noticed it")
        wire.mend()
        await until(lambda: a.the.standing() and b.the.standing(), "they are linked again")
        assert await b.the.call("a", "double", number=3) == (6, "")
        a.ended.set()


async def test_a_node_of_another_cluster_gets_no_link_and_the_reason_is_known() -> None:
    async with started("a") as a, started("b", b"o" * 32) as b:
        a.nodes["b"] = f"ws://127.0.0.1:{b.port}"
        await until(lambda: "XSWARM_CLUSTER_SECRET" in a.the.why_not("b"), "a says why")
        assert not a.the.standing()
        assert not b.the.standing()


async def test_a_node_where_another_should_be_gets_no_link() -> None:
    async with started("a") as a, started("c") as c:
        a.nodes["b"] = f"ws://127.0.0.1:{c.port}"
        await until(lambda: "node c answers where b should" in a.the.why_not("b"), "a says why")
        assert not a.the.standing()
