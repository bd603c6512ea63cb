"""A turn that was stopped at another node ends here."""

from __future__ import annotations

from pathlib import Path

from supervisor.protocol.status import TurnState
from supervisor.protocol.times import now_ms
from supervisor.store import open_store
from supervisor.turns.elsewhere.stops import Stops
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core, seal
from tests.supervisor.helpers import connect, scripted, send, state
from tests.waiting import until


async def test_a_stop_from_another_node_ends_the_turn_of_that_lane_alone(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core, "s1")
        taken = await send(core, "hold", "s1")
        await until(lambda: scripted(core).held(), "it works")
        stops = Stops(core.turns, core.store.elsewhere)
        await stops.look(None)
        other = await open_store(tmp_path / "xswarm.db", seal=seal)
        assert await other.elsewhere.stop("s2", "bob", now_ms=now_ms()) is None
        assert await other.elsewhere.stop("s1", "bob", now_ms=now_ms()) is not None
        await stops.look(["s2"])
        assert await state(core, taken) is TurnState.RUNNING
        await stops.look(["s1"])

        async def is_stopped() -> bool:
            return await state(core, taken) is TurnState.CANCELLED

        await until(is_stopped, "it was stopped")
        await other.close()
