"""The whole daemon with a tool server: Claude Code uses it through the daemon, and asks before it writes."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests import proc
from tests.e2e.process import LOADED, run, scrubbed
from tests.e2e.world import World, script
from tests.tool_servers.programs import CLINIC, PROGRAM, noted
from tests.tool_servers.server_program import ANN, BOB
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process, pytest.mark.asyncio(loop_scope="module")]

ANN_REFERENCE, BOB_REFERENCE = f"entity-{ANN[:8]}", f"entity-{BOB[:8]}"
WITHOUT = "(Without the tools of broken, which could not be reached.)"

TABLES = (
    CLINIC
    + """\
SERVER_SECRET = "${{CLINIC_TOKEN}}"

[mcp.broken]
command = {broken}
roles = ["ADMIN"]

[mcp.closed]
command = {broken}
roles = ["COORDINATOR"]
"""
)

DUMP = """\
{ env; set; for what in environ cmdline; do cat /proc/[0-9]*/$what /proc/[0-9]*/task/*/$what 2>/dev/null; done
find "$CLAUDE_CONFIG_DIR/.." -type f -exec cat {} + ; } > seen.txt 2>&1; echo done
"""


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"tools": [{"name": f"mcp__clinic__{tool}", "input": arguments}]}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tools") / "journal"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def canary() -> str:
    return f"canary{os.urandom(16).hex()}"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(journal: Path, canary: str) -> AsyncIterator[World]:
    tables = TABLES.format(
        python=json.dumps(sys.executable),
        program=json.dumps(str(PROGRAM)),
        journal=json.dumps(str(journal)),
        broken=json.dumps(f"/no/such/{canary}"),
    )
    made = World(
        journal.parent / "world",
        tables=tables,
        secrets={"CLINIC_TOKEN": canary},
        claude_code='sandbox = "off"',
        prefix=LOADED,
    )
    async with made:
        await made.start()
        await made.tools_work("clinic")
        yield made


async def test_a_tool_that_reads_runs_unasked_and_missing_servers_are_named(world: World, journal: Path) -> None:
    answer = await world.ask("@site " + script(call("people"), {"text": "These are the people."}))
    assert answer.startswith(WITHOUT)
    assert "These are the people." in answer
    assert noted(journal)[-1] == "people"


async def test_a_tool_that_writes_asks_with_names_and_gets_ids(world: World, journal: Path) -> None:
    step = call("swap", from_person=ANN_REFERENCE, to_person=BOB_REFERENCE, reason="illness")
    await world.text("@site " + script(step, {"text": "They are swapped."}))
    question = await world.answer("mcp__clinic__swap")
    assert "Ann Lee" in question
    assert "Bob Stone" in question
    assert not any(line.startswith("swap") for line in noted(journal))
    (code,) = set(re.findall(r"\bYES ([A-Z]{5})\b", question))
    assert "Allowed once" in await world.ask(f"YES {code}")
    await world.answer("They are swapped.")
    assert noted(journal)[-1] == f"swap {ANN} {BOB} illness"


async def test_a_refusal_tells_the_model_no_name(world: World, journal: Path) -> None:
    step = call("swap", from_person=BOB_REFERENCE, to_person=ANN_REFERENCE, reason="holidays")
    await world.text("@site " + script(step, {"text": "It was refused."}))
    question = await world.answer("holidays")
    assert "Bob Stone" in question
    (code,) = set(re.findall(r"\bYES ([A-Z]{5})\b", question))
    await world.ask(f"NO {code}")
    answer = await world.answer("It was refused.")
    assert f'{{"from_person": "{BOB_REFERENCE}"' in answer
    assert "Bob Stone" not in answer, "a model may read it again: in a chat, or after its transcript was lost"
    assert len([line for line in noted(journal) if line.startswith("swap")]) == 1
    transcripts = [text for path, text in world.kept().items() if path.suffix == ".jsonl"]
    assert any(BOB_REFERENCE in text for text in transcripts)
    assert not any(name in text for text in transcripts for name in ("Ann Lee", "Bob Stone", ANN, BOB))


async def test_the_assistant_uses_the_same_server_and_asks_as_well(world: World, journal: Path) -> None:
    people = {"tools": [{"name": "clinic__people", "input": {}}]}
    given = {"from_person": ANN_REFERENCE, "to_person": BOB_REFERENCE, "reason": "by the assistant"}
    swap = {"tools": [{"name": "clinic__swap", "input": given}]}
    await world.text("assistant: " + script(people, swap, {"text": "The assistant has swapped them."}))
    question = await world.answer("by the assistant")
    assert "Ann Lee" in question
    (code,) = set(re.findall(r"\bYES ([A-Z]{5})\b", question))
    assert "Allowed once" in await world.ask(f"YES {code}")
    answer = await world.answer("The assistant has swapped them.")
    assert "broken" not in answer  # a text message has no room for it
    assert noted(journal)[-1] == f"swap {ANN} {BOB} by the assistant"


async def test_no_secret_and_no_command_of_a_server_reaches_an_agent(world: World, canary: str) -> None:
    bash = {"tools": [{"name": "Bash", "input": {"command": DUMP, "description": "look around"}}]}
    await world.text("@site " + script(bash, {"text": "I looked around."}))
    question = await world.answer("CLAUDE_CONFIG_DIR")
    (code,) = set(re.findall(r"\bYES ([A-Z]{5})\b", question))
    await world.ask(f"YES {code}")
    await world.answer("I looked around.")
    seen = (world.project() / "seen.txt").read_text(errors="replace")
    assert "/mcp/clinic" in seen  # it did see the file with the addresses
    assert "--mcp-config=" in seen
    assert "MCP_TOOL_TIMEOUT" in seen
    assert canary not in seen
    assert str(PROGRAM) not in seen


async def test_the_doctor_names_the_servers(world: World) -> None:
    listed = (await world.operator("GET", "/api/admin/tools")).json()["servers"]
    assert [(one["name"], one["works"]) for one in listed] == [("clinic", True), ("broken", False), ("closed", False)]
    command = [sys.executable, "-m", "cli.main", "doctor", "--config", str(world.daemon.config)]
    ended = await run(command, scrubbed(world.folder))
    assert "these do not work, everything else does: broken (it ended with exit code 127)" in " ".join(
        ended.out.split()
    )


async def test_a_killed_daemon_leaves_no_server_running(world: World, journal: Path, canary: str) -> None:
    pids = [int(line.split()[1]) for line in noted(journal) if line.startswith("started ")]
    assert proc.lives(pids[-1])
    os.kill(world.daemon.pid, signal.SIGKILL)
    await until(lambda: not proc.lives(pids[-1]), "the server has ended", 30.0)
    assert not any(canary in line for line in world.daemon.log)
    await until(lambda: not world.daemon.running, "the daemon has ended")
