"""What dead nodes have left is settled by a node that serves, and again until nothing is left to others."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.background import recovery
from supervisor.background.takeover import Takeover
from supervisor.cluster.cluster import Cluster
from supervisor.cluster.resources import Resources
from supervisor.protocol.errors import StorageError
from supervisor.protocol.status import TurnState
from supervisor.store import open_store
from supervisor.store.records.turn import Turn
from supervisor.turns.lanes.resources import LaneResources
from tests.fakes import ScriptedConnector
from tests.supervisor.cluster.nodes import FakeNodes, node
from tests.supervisor.cluster.test_resources import MemoryResources
from tests.supervisor.harness import Core, seal
from tests.supervisor.store.builders import question, running
from tests.waiting import until


async def test_the_turn_of_a_node_that_dies_runs_here(tmp_path: Path) -> None:
    async with Core(tmp_path, assistant=ScriptedConnector()) as core:
        nodes = FakeNodes(core.store.epoch, node(core.store.epoch), node(99))
        takeover = Takeover(Cluster(nodes, core.store.epoch), core.recovery, seconds=0.01)
        takeover.start()
        other = await open_store(tmp_path / "xswarm.db", seal=seal)
        turn = await running(other, question(text="hello"))
        await end_own_node(core, other.epoch)
        nodes.away = True
        await until(lambda: not nodes.ended, "the database is away")
        nodes.away = False
        nodes.nodes[1] = node(99, left_ms=-1)
        await until(lambda: nodes.ended == [99], "the node is ended")

        async def is_done() -> bool:
            found = await core.store.turns.find(turn.id)
            return found is not None and found.state is TurnState.COMPLETED

        await until(is_done, "its turn has run here")
        await takeover.aclose()
        await other.close()


async def end_own_node(core: Core, epoch: int) -> None:
    """Let the epoch of the core live, and another one be dead."""
    await core.store._database.write(
        lambda tx: tx.execute("UPDATE nodes SET epoch = ? WHERE epoch = ?", (core.store.epoch, epoch)).rowcount
    )


async def test_a_turn_is_left_to_a_node_that_has_its_folder_and_is_interrupted_after_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Core(tmp_path) as core:
        other = await open_store(tmp_path / "xswarm.db", seal=seal)
        turn = await running(other, question(lane="s1"))
        await end_own_node(core, other.epoch)
        resources = MemoryResources()
        resources.rows["s1"] = 2
        core.turns._resources = LaneResources(Resources(resources), core.projects, core.sessions)
        found = await core.recovery.settle()
        assert (found.left, found.requeued) == (1, 0)
        monkeypatch.setattr(recovery, "LEFT_SECONDS", 0.0)
        found = await core.recovery.settle()
        assert (found.left, found.requeued) == (0, 1)
        stored = await core.store.turns.find(turn.id)
        assert stored is not None
        assert stored.state is TurnState.PENDING
        await other.close()


async def test_a_turn_whose_settlement_failed_halfway_is_settled_by_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Core(tmp_path) as core:
        other = await open_store(tmp_path / "xswarm.db", seal=seal)
        turns = [await running(other, question(lane=lane)) for lane in ("s1", "s2")]
        await end_own_node(core, other.epoch)
        refusals = [StorageError("away")]
        is_stopped = core.store.turns.is_stopped

        async def refuses_once(turn_id: int) -> bool:
            if refusals:
                raise refusals.pop()
            return await is_stopped(turn_id)

        monkeypatch.setattr(core.store.turns, "is_stopped", refuses_once)
        with pytest.raises(StorageError, match="away"):
            await core.recovery.settle()
        assert await states(core, turns) == [TurnState.RUNNING, TurnState.PENDING]
        assert (await core.recovery.settle()).requeued == 1
        assert (await core.recovery.settle()).requeued == 0
        await other.close()


async def states(core: Core, turns: list[Turn]) -> list[TurnState]:
    """Return the states of turns in the store."""
    found = [await core.store.turns.find(turn.id) for turn in turns]
    return [turn.state for turn in found if turn is not None]
