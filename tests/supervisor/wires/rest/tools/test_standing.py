"""The tool servers and whether they work, over a real port."""

from __future__ import annotations

from pathlib import Path

from supervisor.wires.rest.tools.standing import StandingRoutes
from tests.supervisor.wires.http.serving import Served
from tests.tool_servers.programs import NAME, started, table


async def test_without_servers_the_list_is_empty(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        assert (await served.operator.get("/api/admin/tools")).json() == {"servers": []}
        assert (await served.service.get("/api/admin/tools")).status_code == 403


async def test_each_server_says_whether_it_works_and_what_it_has(tmp_path: Path) -> None:
    tables = {NAME: table(tmp_path / "journal"), "broken": table(tmp_path / "journal", command="/no/such/program")}
    async with started(tables) as servers:
        await servers.settled(60.0)
        found = (await StandingRoutes(servers).tools())["servers"]
    works, broken = found
    assert (works["name"], works["works"], works["why"]) == (NAME, True, "")
    assert works["roles"] == ["ADMIN", "COORDINATOR"]
    assert {"name": "people", "title": "People of the clinic", "reads": True} in works["tools"]
    assert {"name": "swap", "title": "", "reads": False} in works["tools"]
    assert (broken["name"], broken["works"], broken["tools"]) == ("broken", False, [])
    assert "exit code 127" in broken["why"]
