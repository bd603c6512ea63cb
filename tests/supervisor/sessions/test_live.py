"""A session in memory gives its process to one turn at a time."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

from supervisor.protocol.conversation import Exited, TextDelta
from supervisor.protocol.messages import SessionId
from supervisor.turns.running.turn import RunningTurn
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import connect
from tests.supervisor.sessions.test_binding import Recorded
from tests.supervisor.turn_records import turn


async def test_a_process_is_heard_by_its_turn_alone_and_not_while_it_is_suspended(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        recorded = Recorded()
        live.hear(TextDelta(text="before"))
        live.bind(recorded.binding())
        live.hear(TextDelta(text="during"))
        live.suspending = True
        live.hear(Exited(why="closed"))
        live.suspending = False
        live.unbind()
        live.hear(TextDelta(text="after"))
        assert recorded.done == ["TextDelta"]


async def test_nothing_but_the_note_of_a_turn_that_ended_stays_in_memory(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        running = RunningTurn(turn(), core.hub, lambda number, event: None)
        await core.binder.bind(live, running)
        core.binder.unbind(live, well=True)
        held = weakref.ref(running)
        del running
        gc.collect()
        assert held() is None
