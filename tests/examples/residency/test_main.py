"""The server as a process of its own, over stdio."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from examples.residency.__main__ import main
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


def test_a_wrong_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--database", "x.db", "--averaging", "week"])
    assert caught.value.code == 2
    assert "--averaging" in capsys.readouterr().err
