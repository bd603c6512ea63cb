"""A session in memory decides about tools by its project's permissions, and remembers what it refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config import ProjectConfig
from supervisor.permissions.policy import Risk
from supervisor.protocol.conversation import Exited, TextDelta, ToolCall, Verdict
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import Permissions
from supervisor.sessions.live import MOVED, LiveSession
from supervisor.turns.running import RunningTurn
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import connect, project, scripted, send
from tests.supervisor.sessions.test_binding import Recorded
from tests.supervisor.turn_records import turn
from tests.waiting import until


def call(name: str, **given: str) -> ToolCall:
    return ToolCall(tool_use_id="toolu_1", name=name, input=given)


async def test_what_was_refused_is_kept_for_the_turns_answer(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        binding = Recorded().binding()
        live.bind(binding)
        assert (await live.decide(call("Write", file_path="new"))).allowed
        refused = await live.decide(call("Bash", command="ls"))
        assert not refused.allowed
        assert binding.denied == [refused.reason]


@pytest.mark.parametrize("name", ["Read", "Write", "Bash"])
async def test_no_tool_runs_once_the_folder_was_moved_away(tmp_path: Path, name: str) -> None:
    projects: dict[str, ProjectConfig] = project(tmp_path, "wide", permissions=Permissions.FULL)
    async with Core(tmp_path, projects=projects) as core:
        await connect(core, path=tmp_path / "wide")
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        binding = Recorded().binding()
        live.bind(binding)
        asked = call(name, file_path="new", command="touch new")
        assert (await live.decide(asked)).allowed
        (tmp_path / "wide").rename(tmp_path / "moved")
        assert await live.decide(asked) == Verdict(allowed=False, reason=MOVED)
        assert binding.denied == [MOVED]


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
        shared = LiveSession(live.record, live.project, live.meter, [tmp_path, tmp_path / "shared"])
        refused = await shared.decide(call("Read", file_path=str(tmp_path / "shared" / "uploads" / "1" / "a.png")))
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
        assert await core.completion.tools_of(running.turn) == {}
        assert (await live.decide(call("Write", file_path="notes"))).allowed
        assert list((await core.completion.tools_of(running.turn)).values()) == ["Write notes"]
        scripted(core).release()
        await until(core.all_answered, "its end is on record")
        assert live.turn is None


@pytest.mark.requirement(33)
async def test_a_call_that_cannot_be_recorded_does_not_run(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        await core.binder.bind(live, RunningTurn(turn(), core.hub, lambda number, event: None))
        await core.store.close()
        with pytest.raises(StorageError):
            await live.decide(call("Write", file_path="notes"))


async def test_a_session_without_a_turn_allows_no_more_than_its_last_turn(tmp_path: Path) -> None:
    projects: dict[str, ProjectConfig] = project(tmp_path, "wide", permissions=Permissions.FULL)
    async with Core(tmp_path, projects=projects) as core:
        await connect(core, path=tmp_path / "wide")
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        recorded = Recorded()
        binding = recorded.binding()
        binding.guarded = frozenset(Risk)
        live.bind(binding)
        push = call("Bash", command="git push")
        assert not (await live.decide(push)).allowed
        assert recorded.done == ["asked"]
        live.unbind()
        assert not (await live.decide(push)).allowed
        assert recorded.done == ["asked"], "nobody is asked for a call without a turn"


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


async def test_an_edit_that_was_allowed_counts_before_it_is_written(tmp_path: Path) -> None:
    """Subagents write at the same time: together they must not make a git repository of a folder."""
    async with Core(tmp_path) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        live.bind(Recorded().binding())
        assert (await live.decide(call("Write", file_path="a/refs/x"))).allowed
        assert not (core.site / "a").exists()
        assert not (await live.decide(call("Write", file_path="a/HEAD"))).allowed
        assert (await live.decide(call("Write", file_path="b/HEAD"))).allowed
