"""ABORT: stops and drops what the sender wrote, and nothing of other users."""

from __future__ import annotations

from pathlib import Path

from supervisor.commands.abort import AbortCommands
from supervisor.commands.dispatch import Asker
from supervisor.commands.reading.words import Command, Word
from supervisor.protocol.messages import Address
from supervisor.protocol.status import TurnState
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import connect, project, scripted, send, state
from tests.waiting import until

PHONE = Address(kind="sms", value="+15550100")


async def abort(core: Core) -> str:
    """Send ABORT as alice and return what she is told."""
    asker = Asker(user=core.directory.user("alice"), channel="sms", sender=PHONE)
    commands = AbortCommands(core.store.turns, core.store.elsewhere, core.turns)
    return (await commands.answer(Command(Word.ABORT), asker)).text


async def test_abort_touches_nobody_else(tmp_path: Path) -> None:
    projects = project(tmp_path, "free", concurrent=True)
    async with Core(tmp_path, connector=ScriptedConnector(), projects=projects) as core:
        await connect(core, "s1", path=tmp_path / "free")
        await connect(core, "s2", path=tmp_path / "free", user="bob")
        mine, theirs = await send(core, "hold", "s1"), await send(core, "hold", "s2")
        behind = await send(core, "later", "s1")
        await until(lambda: len(scripted(core).held()) == 2, "both work")
        assert await abort(core) == "Stopped, and dropped 1 queued message."
        await until(lambda: _is_cancelled(core, mine), "mine was stopped")
        assert await state(core, behind) is TurnState.CANCELLED
        assert await state(core, theirs) is TurnState.RUNNING
        assert await abort(core) == "You have no running turn and no queued message."
        scripted(core).release()


async def _is_cancelled(core: Core, taken: object) -> bool:
    return await state(core, taken) is TurnState.CANCELLED  # type: ignore[arg-type]
