"""The server as a process of its own, over stdio."""

from __future__ import annotations

import asyncio
import sys
from datetime import date
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from examples.residency.__main__ import default_database, main
from examples.residency.data.database import create
from examples.residency.seed.year import make
from tests.packaging.project import ROOT


async def test_a_process_makes_its_schedule_and_serves_it(tmp_path: Path) -> None:
    database = tmp_path / "state" / "schedule.db"
    arguments = ["-m", "examples.residency", "--database", str(database), "--today", "2026-11-30"]
    server = StdioServerParameters(command=sys.executable, args=arguments, cwd=ROOT)
    async with Client(server) as client, Client(server) as other:
        first = await client.call_tool("health_check", {})
        second = await other.call_tool("health_check", {})
    assert first.structured_content == second.structured_content
    assert first.structured_content["healthy"] is True
    assert database.exists()


async def test_of_two_processes_that_write_at_once_one_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "schedule.db"
    create(database, make(7, date(2026, 11, 30).toordinal()))
    arguments = ["-m", "examples.residency", "--database", str(database), "--today", "2026-11-30"]
    server = StdioServerParameters(command=sys.executable, args=arguments, cwd=ROOT)
    changes = [{"action": "remove", "shift_id": "s-4000"}]
    async with Client(server) as alice, Client(server) as carl:
        await alice.call_tool("preview_changes", {"changes": changes})
        write = {"changes": changes, "schedule_version": 1}
        both = await asyncio.gather(*(client.call_tool("apply_changes", write) for client in (alice, carl)))
        after = await carl.call_tool("health_check", {})
    assert sorted(result.structured_content["status"] for result in both) == ["done", "refused"]
    (refused,) = [one.structured_content for one in both if one.structured_content["status"] == "refused"]
    assert (refused["reason"], len(refused["changed_since"])) == ("stale_version", 1)
    assert after.structured_content["schedule_version"] == 2


def test_the_schedule_is_with_the_state_of_the_daemon() -> None:
    named = {"STATE_DIRECTORY": "/state/servers/residency", "XDG_STATE_HOME": "/xdg"}
    assert default_database(named) == Path("/state/servers/residency/residency.db")
    assert default_database({"XDG_STATE_HOME": "/xdg"}) == Path("/xdg/xswarm/residency.db")
    assert default_database({}) == Path.home() / ".local/state/xswarm/residency.db"


def test_a_wrong_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--database", "x.db", "--averaging", "week"])
    assert caught.value.code == 2
    assert "--averaging" in capsys.readouterr().err
