"""Callers that wait at one node hear of the ends of turns at another."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.delivery.waiters import Waiters
from supervisor.protocol.errors import TurnFailed
from supervisor.protocol.status import TurnState
from supervisor.store import open_store
from supervisor.turns.elsewhere.ends import Ends
from tests.supervisor.store.builders import outcome, question, running, seal


async def test_a_caller_gets_the_answer_or_the_error_of_a_turn_of_another_node(tmp_path: Path) -> None:
    here, there = [await open_store(tmp_path / "x.db", seal=seal) for _ in range(2)]
    waiters = Waiters()
    ends = Ends(waiters, here.turns, here.elsewhere)
    answered = await running(there, question(lane="one"))
    failed = await running(there, question(lane="two"))
    with waiters.expect(answered.message_id) as answer, waiters.expect(failed.message_id) as failure:
        await ends.look(None)
        assert not answer.done()
        await there.turns.finish(answered.id, outcome())
        await there.turns.finish(failed.id, outcome(TurnState.FAILED, answer="", why="it broke"))
        await ends.look(["another"])
        assert not answer.done()
        await ends.look([answered.message_id])
        assert (await answer).answer == "42 passed"
        assert not failure.done()
        await ends.look(None)
        with pytest.raises(TurnFailed, match="it broke"):
            await failure
    await here.close()
    await there.close()
