"""A call of a tool server whose question outlives its process: what Claude Code is told then names nobody."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.e2e.world import World, script
from tests.tool_servers.programs import CLINIC, PROGRAM, noted
from tests.tool_servers.server_program import ANN, BOB
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]

TABLES = f"""
[approvals]
hold_seconds = 0.0
{CLINIC}"""


def call(tool: str, **arguments: str) -> dict[str, object]:
    return {"tools": [{"name": f"mcp__clinic__{tool}", "input": arguments}]}


async def test_a_turn_that_resumes_after_its_question_reads_no_name(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    tables = TABLES.format(
        python=json.dumps(sys.executable), program=json.dumps(str(PROGRAM)), journal=json.dumps(str(journal))
    )
    async with World(tmp_path / "world", tables=tables, claude_code='sandbox = "off"') as world:
        await world.start()
        await world.tools_work("clinic")
        swap = call("swap", from_person=f"entity-{ANN[:8]}", to_person=f"entity-{BOB[:8]}")
        await world.text("@site " + script(call("people"), swap, {"text": "unreached"}))
        question = await world.answer("mcp__clinic__swap")
        assert "Bob Stone" in question
        await until(lambda: not world.agents(), "its process is closed")
        (asked,) = (await world.operator("GET", "/api/approvals")).json()["approvals"]
        body = {"decision": "deny", "note": "Bob Stone is away"}
        assert (await world.operator("POST", f"/api/approvals/{asked['approval_id']}", body)).status_code == 200
        answer = await world.answer("was not run")
        assert "Bob Stone" not in answer, "a model may read it again"
        assert not [line for line in noted(journal) if line.startswith("swap")]
        told = "\n".join(text for path, text in world.kept().items() if path.suffix == ".jsonl")
        assert "You had to wait for a person's answer to the call mcp__clinic__swap" in told
        assert f"entity-{BOB[:8]} is away" in told
        assert not [name for name in ("Ann Lee", "Bob Stone", ANN, BOB) if name in told]
