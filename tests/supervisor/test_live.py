"""A session in memory decides about tools by its project's permissions, and remembers what it refused."""

from __future__ import annotations

from pathlib import Path

from supervisor.config import Project
from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import Permissions
from tests.supervisor.harness import Core
from tests.supervisor.helpers import connect, project


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
    projects: dict[str, Project] = project(tmp_path, "wide", permissions=Permissions.FULL)
    async with Core(tmp_path, projects=projects) as core:
        await connect(core, path=tmp_path / "wide")
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        assert (await live.decide(call("Read", file_path="/etc/hostname"))).allowed
        assert (await live.decide(call("Read", file_path=f"{live.home}/config/notes"))).allowed
        refused = await live.decide(call("Read", file_path=str(tmp_path / "operator.token")))
        assert "the daemon's own files" in refused.reason
