"""A session in memory decides about tools by its project's permissions, and remembers what it refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config import ProjectConfig
from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import Permissions
from supervisor.turns.running import RunningTurn
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import connect, project, scripted, send
from tests.supervisor.turns.turn_records import turn
from tests.waiting import until


def call(name: str, **given: str) -> ToolCall:
    return ToolCall(tool_use_id="toolu_1", name=name, input=given)


async def test_what_was_refused_is_kept_for_the_turns_answer(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        assert (await live.decide(call("Write", file_path="new"))).allowed
        refused = await live.decide(call("Bash", command="ls"))
        assert not refused.allowed
        assert live.denied == [refused.reason]


async def test_full_permissions_do_not_open_the_operators_token(tmp_path: Path) -> None:
    projects: dict[str, ProjectConfig] = project(tmp_path, "wide", permissions=Permissions.FULL)
    async with Core(tmp_path, projects=projects) as core:
        await connect(core, path=tmp_path / "wide")
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        assert (await live.decide(call("Read", file_path="/etc/hostname"))).allowed
        assert (await live.decide(call("Read", file_path=f"{live.home}/config/notes"))).allowed
        refused = await live.decide(call("Read", file_path=str(tmp_path / "operator.token")))
        assert "the daemon's own files" in refused.reason


async def test_a_call_that_may_change_something_is_on_disk_before_it_runs(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        await send(core, "hold")
        await until(scripted(core).held, "it works")
        live = core.sessions.live(SessionId("s1"))
        running = core.turns.running("s1")
        assert live is not None
        assert running is not None
        assert (await live.decide(call("Read", file_path="notes"))).allowed
        assert await core.completion.tools_of(running.turn) == []
        assert (await live.decide(call("Write", file_path="notes"))).allowed
        assert await core.completion.tools_of(running.turn) == ["Write notes"]
        scripted(core).release()
        await until(core.all_answered, "its end is on record")
        assert live.witness is None


async def test_a_call_that_cannot_be_recorded_does_not_run(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        await core.sessions.began(live, RunningTurn(turn(), core.hub, lambda number, event: None))
        await core.store.close()
        with pytest.raises(StorageError):
            await live.decide(call("Write", file_path="notes"))
