"""Answers that were given at another node wake the call that waits for them here."""

from __future__ import annotations

from pathlib import Path

from supervisor.approvals.answers import Answers
from supervisor.protocol.times import now_ms
from supervisor.store import open_store
from tests.fakes import ScriptedConnector
from tests.supervisor.approvals.questions import answer_of, asking
from tests.supervisor.harness import Core, seal
from tests.supervisor.store.builders import revive


async def test_a_yes_and_a_no_at_another_node_reach_the_call_that_waits(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        answers = Answers(core.approvals.pending, core.store.approvals)
        allowed, yes = await asking(core)
        other = await open_store(tmp_path / "xswarm.db", seal=seal)
        await revive(other, core.store.epoch)  # SQLite knows one node at a time
        await answers.look(None)
        assert await other.approvals.allow(yes.id, "bob", way="rest", now_ms=now_ms())
        await answers.look([yes.id])
        assert await answer_of(core, allowed) == "allowed: True"
        denied, no = await asking(core)
        assert await other.approvals.deny(no.id, "bob", way="rest", note="wait for Carol", now_ms=now_ms())
        await answers.look(["another"])
        await answers.look(None)
        assert "denied by bob: wait for Carol" in await answer_of(core, denied)
        await other.close()
