"""Tool calls of Claude Code: decided by the project's permissions, recorded before they run, kept where refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from supervisor.config import ProjectConfig
from supervisor.permissions.policy import Risk
from supervisor.protocol.conversation import ToolCall, ToolEndpoint, Verdict
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import Permissions
from supervisor.sessions.decisions.claude_code import MOVED, ClaudeCodeDecisions
from supervisor.store.ports.audit import AuditFilter
from supervisor.store.records.tool_call import Reference
from supervisor.tools.claude_code.session_tools import SessionTools
from supervisor.tools.servers.servers import build
from supervisor.tools.turn_tools import Toolbox
from supervisor.turns.running.turn import RunningTurn
from tests.fakes import ScriptedConnector
from tests.slowness import scaled
from tests.supervisor.harness import Core
from tests.supervisor.helpers import connect, project, scripted, send
from tests.supervisor.sessions.test_binding import Recorded
from tests.supervisor.turn_records import turn
from tests.tool_servers.programs import NAME, table
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
        assert (await live.decisions.decide(call("Write", file_path="new"))).allowed
        refused = await live.decisions.decide(call("Bash", command="ls"))
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
        assert (await live.decisions.decide(asked)).allowed
        (tmp_path / "wide").rename(tmp_path / "moved")
        assert await live.decisions.decide(asked) == Verdict(allowed=False, reason=MOVED)
        assert binding.denied == [MOVED]


async def test_full_permissions_do_not_open_the_operators_token(tmp_path: Path) -> None:
    projects: dict[str, ProjectConfig] = project(tmp_path, "wide", permissions=Permissions.FULL)
    async with Core(tmp_path, projects=projects) as core:
        await connect(core, path=tmp_path / "wide")
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        assert (await live.decisions.decide(call("Read", file_path="/etc/hostname"))).allowed
        assert (await live.decisions.decide(call("Read", file_path=f"{live.home}/config/notes"))).allowed
        refused = await live.decisions.decide(call("Read", file_path=str(tmp_path / "operator.token")))
        assert "the daemon's own files" in refused.reason
        own = [tmp_path, tmp_path / "shared"]
        shared = ClaudeCodeDecisions(
            live.record, live.project, home=live.home, own_folders=own, has_moved=live.has_moved
        )
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
        assert (await live.decisions.decide(call("Read", file_path="notes"))).allowed
        assert await core.completion.tools_of(running.turn) == {}
        assert (await live.decisions.decide(call("Write", file_path="notes"))).allowed
        assert list((await core.completion.tools_of(running.turn)).values()) == ["Write notes"]
        scripted(core).release()
        await until(core.all_answered, "its end is on record")
        assert live.turn is None


async def test_a_call_that_only_reads_is_noted_before_it_runs_and_one_after_the_end_of_the_turn_too(
    tmp_path: Path,
) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        await send(core, "hold")
        await until(scripted(core).held, "it works")
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        assert (await live.decisions.decide(call("Read", file_path="notes"))).allowed
        scripted(core).release()
        await until(core.all_answered, "its end is on record")
        assert (await live.decisions.decide(call("Grep", pattern="x"))).allowed
        assert (await live.decisions.decide(call("Write", file_path="notes"))).allowed
        entries = await core.store.audit.entries(after=0, limit=99, where=AuditFilter(event="tool"))
        assert [(entry.actor, entry.event, entry.detail["summary"]) for entry in entries] == [
            ("alice", "tool.read", "Read notes"),
            ("alice", "tool.read", "Grep x"),
            ("alice", "tool.allowed", "Write notes"),
        ]
        await core.store.close()
        with pytest.raises(StorageError):
            await live.decisions.decide(call("Read", file_path="notes"))


@pytest.mark.parametrize("name", ["Write", "Read"])
@pytest.mark.requirement(33)
async def test_a_call_that_cannot_be_recorded_does_not_run(tmp_path: Path, name: str) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        await core.binder.bind(live, RunningTurn(turn(), core.hub, lambda number, event: None))
        await core.store.close()
        with pytest.raises(StorageError):
            await live.decisions.decide(call(name, file_path="notes"))


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
        assert not (await live.decisions.decide(push)).allowed
        assert recorded.done == ["asked"]
        live.unbind()
        assert not (await live.decisions.decide(push)).allowed
        assert recorded.done == ["asked"], "nobody is asked for a call without a turn"


async def test_a_call_that_was_held_belongs_to_the_turn_that_begins_next(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        before, after = Recorded(), Recorded()
        live.bind(before.binding())
        live.decisions.hold()
        deciding = asyncio.ensure_future(live.decisions.decide(call("Write", file_path="new")))
        await asyncio.sleep(0)
        assert not deciding.done()
        live.bind(after.binding())
        assert (await deciding).allowed
        assert (before.done, after.done) == ([], ["outdated", "witnessed toolu_1"])


async def test_an_edit_that_was_allowed_counts_before_it_is_written(tmp_path: Path) -> None:
    """Subagents write at the same time: together they must not make a git repository of a folder."""
    async with Core(tmp_path) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        live.bind(Recorded().binding())
        assert (await live.decisions.decide(call("Write", file_path="a/refs/x"))).allowed
        assert not (core.site / "a").exists()
        assert not (await live.decisions.decide(call("Write", file_path="a/HEAD"))).allowed
        assert (await live.decisions.decide(call("Write", file_path="b/HEAD"))).allowed


async def test_the_model_reads_no_name_in_the_first_refusal_of_a_new_process(tmp_path: Path) -> None:
    async def no(asked: ToolCall, verdict: Verdict) -> Verdict:
        return Verdict(allowed=False, reason="denied by bob: ask Anna Berg")

    async with Core(tmp_path) as core:
        await connect(core)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        await core.store.references.add("s1", [Reference(reference="entity-1", person="p1", name="Anna Berg")])
        servers = await build({NAME: table(tmp_path / "journal")}, lambda name: None, tmp_path)
        toolbox = Toolbox(servers, core.directory, core.store.references)
        endpoint = ToolEndpoint(urls={}, token="t", timeout=scaled(1.0))
        live.decisions.tools = SessionTools(toolbox, session_id="s1", user=live.user, endpoint=endpoint)
        binding = Recorded().binding()
        binding.ask_person = no
        live.bind(binding)
        refused = await live.decisions.decide(call("Bash", command="ls"))
        assert refused.reason == "denied by bob: ask entity-1"
        assert binding.denied == [refused.reason]
