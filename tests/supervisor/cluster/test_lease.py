"""The lease of a node is renewed in time, also after the database was away, and its end is told once."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from supervisor.cluster.lease import SAFE, Lease
from supervisor.cluster.watchdog import Watchdog
from supervisor.protocol.errors import StorageError
from supervisor.store.ports.cluster.nodes import Fenced, Node
from tests.supervisor.cluster.nodes import FakeNodes, node
from tests.waiting import until


class RecordingWatchdog(Watchdog):
    """Notes the deadlines; one that is broken cannot be started."""

    def __init__(self) -> None:
        super().__init__()
        self.deadlines: list[float] = []
        self.closed = False
        self.broken = False

    def extend(self, deadline: float) -> None:
        if self.broken:
            raise OSError("no more processes")
        self.deadlines.append(deadline)

    def close(self) -> None:
        self.closed = True


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_a_lease_is_renewed_again_and_again() -> None:
    nodes, told = FakeNodes(2, node(1), node(2)), list[str]()
    async with Lease(nodes, 0.01, lambda: told.append("fenced"), watchdog=None) as lease:
        assert [each.epoch for each in lease.nodes] == [1, 2]
        await until(lambda: nodes.renewals > 4, "it was renewed")
    assert told == []
    renewals = nodes.renewals
    assert renewals > 4


async def test_each_renewal_tells_who_lives_and_who_was_asked_to_drain() -> None:
    nodes, told = FakeNodes(2, node(1), node(2)), list[Sequence[Node]]()
    async with Lease(nodes, 0.01, lambda: None, watchdog=None, renewed=told.append):
        assert [each.draining for each in told[0]] == [False, False]
        await nodes.drain("n2", by="operator", now_ms=1)
        await until(lambda: [each.draining for each in told[-1]] == [False, True], "it is told")


async def test_the_watchdog_gets_two_thirds_of_the_lease_from_before_the_renewal() -> None:
    clock, dog = Clock(), RecordingWatchdog()

    class SlowNodes(FakeNodes):
        async def renew(self) -> list[Node]:
            clock.now += 5.0
            return await super().renew()

    async with Lease(SlowNodes(1, node(1)), 60.0, lambda: None, watchdog=dog, clock=clock) as lease:
        assert dog.deadlines == [100.0 + SAFE * 60.0]
        assert lease.lasts
        clock.now = 160.0
        assert not lease.lasts
    assert dog.closed


async def test_a_database_that_is_away_is_asked_again_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    nodes = FakeNodes(1, node(1))
    async with Lease(nodes, 0.01, lambda: None, watchdog=None):
        nodes.away = True
        await until(lambda: "cannot be renewed" in caplog.text, "it is told")
        renewals = nodes.renewals
        nodes.away = False
        await until(lambda: nodes.renewals > renewals, "it was renewed")
        await until(lambda: "renewed again" in caplog.text, "it is told")
    assert caplog.text.count("cannot be renewed") == 1


async def test_a_node_that_was_taken_over_is_told_once() -> None:
    nodes, told = FakeNodes(1, node(1)), list[str]()
    async with Lease(nodes, 0.01, lambda: told.append("fenced"), watchdog=None):
        nodes.nodes = [node(2)]
        await until(lambda: told, "it is told")
        assert nodes.fenced is not None
        nodes.fenced()
    assert told == ["fenced"]


async def test_a_write_that_is_refused_tells_as_well() -> None:
    nodes, told = FakeNodes(1, node(1)), list[str]()
    async with Lease(nodes, 600.0, lambda: told.append("fenced"), watchdog=None):
        assert nodes.fenced is not None
        nodes.fenced()
        nodes.fenced()
    assert told == ["fenced"]


@pytest.mark.parametrize("error", [Fenced, StorageError])
async def test_a_lease_that_cannot_be_had_at_the_start_starts_nothing(error: type[StorageError]) -> None:
    nodes = FakeNodes(1, node(2))
    nodes.away = error is StorageError
    dog = RecordingWatchdog()
    with pytest.raises(error):
        async with Lease(nodes, 0.01, lambda: None, watchdog=dog):
            pass
    assert dog.deadlines == []


class FakeAgents:
    """Agents that can be frozen, or cannot.

    Attributes:
        calls: what was asked of them.
    """

    def __init__(self, *, freezes: bool = True) -> None:
        self.freezes = freezes
        self.calls: list[str] = []

    async def freeze(self) -> bool:
        self.calls.append("freeze")
        return self.freezes

    async def thaw(self) -> None:
        self.calls.append("thaw")


async def test_agents_are_frozen_while_the_database_is_away_and_go_on_when_the_lease_is_renewed() -> None:
    nodes, agents, dog, clock = FakeNodes(1, node(1)), FakeAgents(), RecordingWatchdog(), Clock()
    async with Lease(nodes, 0.02, lambda: None, watchdog=dog, clock=clock) as lease:
        lease.agents = agents
        nodes.away = True
        clock.now += 0.011
        await until(lambda: agents.calls.count("freeze") > 2, "they are frozen, and what was started meanwhile")
        assert dog.deadlines[-1] == pytest.approx(clock.now + SAFE * 0.02)
        clock.now += 60.0  # longer than the lease: nobody else may be there to take over
        nodes.away = False
        await until(lambda: agents.calls[-1] == "thaw", "they go on")
    assert agents.calls.count("thaw") == 1


async def test_a_renewal_that_took_too_long_lets_nobody_go_on() -> None:
    clock, agents = Clock(), FakeAgents()

    class SlowNodes(FakeNodes):
        slow = 0.0

        async def renew(self) -> list[Node]:
            clock.now += self.slow
            return await super().renew()

    nodes, dog = SlowNodes(1, node(1)), RecordingWatchdog()
    async with Lease(nodes, 0.02, lambda: None, watchdog=dog, clock=clock) as lease:
        lease.agents = agents
        nodes.slow = 60.0
        await until(lambda: "freeze" in agents.calls, "they are frozen")
        renewals = nodes.renewals
        await until(lambda: nodes.renewals > renewals + 2, "it was renewed")
        assert "thaw" not in agents.calls
        assert dog.deadlines == sorted(dog.deadlines), "no deadline is taken back"
        nodes.slow = 0.0
        await until(lambda: "thaw" in agents.calls, "they go on")


async def test_the_watchdog_is_not_told_of_a_process_whose_agents_go_on(caplog: pytest.LogCaptureFixture) -> None:
    nodes, agents, dog, clock = FakeNodes(1, node(1)), FakeAgents(freezes=False), RecordingWatchdog(), Clock()
    async with Lease(nodes, 0.02, lambda: None, watchdog=dog, clock=clock) as lease:
        lease.agents = agents
        nodes.away = True
        told = list(dog.deadlines)
        clock.now += 0.011
        await until(lambda: agents.calls.count("freeze") > 2, "it was tried")
        assert dog.deadlines[len(told) :] == []
    assert "not every agent can be frozen" in caplog.text


async def test_the_lease_is_renewed_on_although_the_watchdog_cannot_be_started(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nodes, dog = FakeNodes(1, node(1)), RecordingWatchdog()
    async with Lease(nodes, 0.02, lambda: None, watchdog=dog, clock=Clock()):
        dog.broken = True
        renewals = nodes.renewals
        await until(lambda: nodes.renewals > renewals + 2, "it is renewed")
        dog.broken = False
        told = len(dog.deadlines)
        await until(lambda: len(dog.deadlines) > told, "the watchdog is told")
    assert caplog.text.count("its watchdog not be told") == 1


async def test_agents_stay_frozen_and_go_on_although_the_watchdog_could_not_be_told() -> None:
    nodes, agents, dog, clock = FakeNodes(1, node(1)), FakeAgents(), RecordingWatchdog(), Clock()
    async with Lease(nodes, 0.02, lambda: None, watchdog=dog, clock=clock) as lease:
        lease.agents = agents
        nodes.away = dog.broken = True
        clock.now += 0.011
        await until(lambda: agents.calls.count("freeze") > 2, "what was started meanwhile is frozen")
        nodes.away = dog.broken = False
        await until(lambda: agents.calls[-1] == "thaw", "they go on")


async def test_agents_that_could_not_go_on_are_told_again() -> None:
    class Stuck(FakeAgents):
        async def thaw(self) -> None:
            await super().thaw()
            if self.calls.count("thaw") == 1:
                raise OSError("stuck")

    nodes, agents, clock = FakeNodes(1, node(1)), Stuck(), Clock()
    async with Lease(nodes, 0.02, lambda: None, watchdog=None, clock=clock) as lease:
        lease.agents = agents
        nodes.away = True
        clock.now += 0.011
        await until(lambda: "freeze" in agents.calls, "they are frozen")
        nodes.away = False
        await until(lambda: agents.calls.count("thaw") == 2, "they go on")
