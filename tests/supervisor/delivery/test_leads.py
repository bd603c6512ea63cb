"""A channel is given up where its provider cannot be reached and another node may; where none can, one keeps it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from supervisor.cluster.resources import Resources, channel_resource
from supervisor.delivery.leads import (
    FAILING_SECONDS,
    FAILURES,
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    YIELD_SECONDS,
    Leads,
)
from supervisor.delivery.outbox import Outbox
from supervisor.protocol.ports.channel import Unreachable
from supervisor.protocol.status import OutboxState
from supervisor.store import SqliteStore, open_store
from tests.supervisor.cluster.test_resources import MemoryResources
from tests.supervisor.delivery.test_outbox import Post, working
from tests.supervisor.harness import seal
from tests.waiting import until

SMS = channel_resource("sms")
LONGEST_JITTER = 1.25


class Leading:
    """One node of two; a test moves its clock, and takes channels by the other node, whose epoch is 2."""

    def __init__(self) -> None:
        self.store = MemoryResources()
        self.others = True
        self.now = 1000.0
        self.leads = Leads(Resources(self.store), lambda: self.others, clock=lambda: self.now)

    def fail(self, times: int = FAILURES, seconds: float = FAILING_SECONDS) -> None:
        """Fail to reach the provider, over some seconds."""
        for number in range(times):
            self.leads.tried("sms", reached=False)
            if number < times - 1:
                self.now += seconds / (times - 1)

    async def give_up(self) -> None:
        self.fail()
        assert self.leads.is_lost("sms")
        await self.leads.give_up("sms")


@pytest.fixture
async def node() -> Leading:
    node = Leading()
    await node.leads.claim("sms")
    assert node.leads.leads("sms")
    return node


async def test_a_node_alone_leads_for_ever() -> None:
    leads = Leads(Resources(None), lambda: True)
    await leads.claim("sms")
    for _ in range(FAILURES):
        leads.tried("sms", reached=False)
    assert leads.leads("sms")
    assert not leads.is_lost("sms")


async def test_a_channel_is_lost_after_failures_in_a_row_that_take_some_time(node: Leading) -> None:
    node.fail(FAILURES - 1)
    assert not node.leads.is_lost("sms")
    node.leads.tried("sms", reached=True)
    node.fail(FAILURES, seconds=0.0)
    assert not node.leads.is_lost("sms")
    node.now += FAILING_SECONDS
    assert node.leads.is_lost("sms")
    node.leads.tried("sms", reached=True)
    assert not node.leads.is_lost("sms")


async def test_where_no_other_node_lives_the_channel_is_kept(node: Leading) -> None:
    node.others = False
    node.fail()
    assert not node.leads.is_lost("sms")


async def test_who_gave_up_leaves_the_channel_to_the_others_for_some_seconds(node: Leading) -> None:
    await node.give_up()
    assert not node.leads.leads("sms")
    assert SMS not in node.store.rows
    await node.leads.claim("sms")
    assert not node.leads.leads("sms")
    node.now += YIELD_SECONDS
    node.store.rows[SMS] = 2
    await node.leads.claim("sms")
    assert not node.leads.leads("sms")
    del node.store.rows[SMS]  # the other one has given it up too
    await node.leads.claim("sms")
    assert node.leads.leads("sms")


async def test_a_look_for_channels_during_the_release_does_not_take_it_back(node: Leading) -> None:
    async def meanwhile() -> None:
        await node.leads.claim("sms")

    node.store.meanwhile = meanwhile
    await node.give_up()
    assert SMS not in node.store.rows
    assert not node.leads.leads("sms")


async def test_who_gave_up_claims_at_once_where_the_others_are_gone(node: Leading) -> None:
    await node.give_up()
    node.others = False
    await node.leads.claim("sms")
    assert node.leads.leads("sms")


async def test_where_no_node_reaches_the_provider_a_channel_changes_hands_ever_more_seldom(node: Leading) -> None:
    pauses = []
    for _ in range(8):
        await node.give_up()
        begun = node.now
        node.now += YIELD_SECONDS
        await node.leads.claim("sms")
        assert node.leads.leads("sms")
        node.fail()
        while not node.leads.is_lost("sms"):
            node.now += 10.0
        pauses.append(node.now - begun)
    assert pauses[0] >= 0.75 * FIRST_PAUSE_SECONDS
    assert pauses[1] > pauses[0]
    assert 0.75 * LONGEST_PAUSE_SECONDS <= pauses[-1] <= LONGEST_JITTER * LONGEST_PAUSE_SECONDS + 10.0


async def test_after_the_provider_was_reached_a_channel_is_given_up_as_soon_as_at_first(node: Leading) -> None:
    await node.give_up()
    node.others = False
    await node.leads.claim("sms")
    node.others = True
    node.leads.tried("sms", reached=True)
    node.fail()
    assert node.leads.is_lost("sms")


async def test_the_outbox_gives_a_channel_up_once_nothing_of_it_is_on_its_way(tmp_path: Path, node: Leading) -> None:
    async with opened(tmp_path) as store:
        post = Post(store)
        post.outbox = Outbox(store.outbox, leads=node.leads, clock=post.clock)
        post.outbox.add_channel(post.channel)
        post.channel.script.extend([Unreachable("away")] * (FAILURES + 1))
        on_their_way: list[int] = []

        async def meanwhile() -> None:
            on_their_way.append(await post.count(OutboxState.SENDING))

        node.store.meanwhile = meanwhile
        async with working(post):
            for number in range(FAILURES):
                await post.add("hello", f"+1555010{number}")
            await until(lambda: is_waiting(post, FAILURES), "each was tried once")
            post.channel.gate.clear()
            await post.add("slow", "+15550199")
            await until(lambda: len(post.channel.attempts) == FAILURES + 1, "one more is on its way")
            node.now += FAILING_SECONDS
            post.outbox.wake(["sms"])
            post.channel.gate.set()
            await until(lambda: SMS not in node.store.rows, "the channel is given up")
            assert on_their_way == [0]
            assert not post.outbox.leads("sms")
            node.others = False
            await node.leads.claim("sms")
            post.later(60)
            await until(lambda: len(post.channel.provider) == FAILURES + 1, "all were sent")


async def is_waiting(post: Post, count: int) -> bool:
    return len(post.channel.attempts) == count == await post.count(OutboxState.PENDING)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[SqliteStore]:
    store = await open_store(folder / "xswarm.db", seal=seal)
    try:
        yield store
    finally:
        await store.close()
