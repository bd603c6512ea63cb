"""A tool server that works late: the running Claude Code has its tools with the next message."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from tests.e2e.world import World, script
from tests.tool_servers.programs import PROGRAM

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]

TABLES = """
[mcp.clinic]
command = "/bin/sh"
args = ["-c", {command}]
read_only = ["people"]
"""


async def test_its_tools_are_there_with_the_next_message(tmp_path: Path) -> None:
    mended = tmp_path / "mended"
    program = shlex.join([sys.executable, str(PROGRAM)])
    tables = TABLES.format(command=json.dumps(f"test -e {shlex.quote(str(mended))} && exec {program}"))
    async with World(tmp_path / "world", tables=tables, claude_code='sandbox = "off"') as world:
        await world.start()
        first = await world.ask("@site " + script({"text": "I am here."}))
        assert first.startswith("(Without the tools of clinic, which could not be reached.)")
        processes = running(world)
        assert len(processes) == 1
        mended.touch()
        await world.tools_work("clinic")
        people = {"tools": [{"name": "mcp__clinic__people", "input": {}}]}
        second = await world.ask("@site " + script(people, {"text": "These are they."}))
        assert second.startswith("These are they.")
        assert running(world) == processes, "in the same process"


def running(world: World) -> set[str]:
    """Return the records of the processes of Claude Code, which name each by its id and its start."""
    return {path.name for path in world.daemon.state.glob("processes/*.json")}
