"""Programs of AutoGen's kind, with a real daemon and the real Claude Code: the callables, the monitor, the rollback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.process import ROOT, Ended
from tests.e2e.world import HANG, World, script, write_file
from tests.packages.python.xswarm_client.programs import environment, program
from tests.ports import free_port
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(tmp_path_factory.mktemp("world")) as world:
        await world.start()
        yield world


async def written(folder: Path, code: str, given: dict[str, str], *arguments: str) -> Ended:
    """Run a program that is written to a file first."""
    path = folder / "program.py"
    path.write_text(code, encoding="utf-8")
    return await program(path, given, *arguments)


PROGRAM = """
import json, sys
from xswarm_client import (
    FileOperationLogger, Monitor, call_claude_code, claude_execute, claude_execute_simple, claude_execute_wrapper,
    end_conversation, log_agent_message, monitored_claude_execute, start_conversation, update_agent_status)

write, say, folder = sys.argv[1:]
start_conversation(["planner", "Claude"])
update_agent_status("planner", "active")
log_agent_message("planner", "let Claude write it")
said = {"monitored": monitored_claude_execute(write, folder)}
update_agent_status("planner", "idle")
files = FileOperationLogger("logs")
(operation,) = files.get_recent_operations()
said["operation"] = operation
said["conversations"] = Monitor().conversations()
said["agents"] = Monitor().active_agents()
said["rolled back"] = files.rollback(operation["id"])
said["again"] = files.rollback(operation["id"])
end_conversation()
said["stats"] = Monitor().stats()
said["simple"] = claude_execute_simple(say)
said["wrapper"] = claude_execute_wrapper(say)
said["call"] = call_claude_code([{"role": "user", "content": say}], repo=folder)
print(json.dumps(said))
"""


async def test_a_program_lets_claude_code_write_a_file_sees_it_logged_and_rolls_it_back(
    world: World, tmp_path: Path
) -> None:
    path = world.project() / "made.txt"
    write, say = script(write_file(path, "x"), {"text": "written"}), script({"text": "said"})
    ended = await written(tmp_path, PROGRAM, await environment(world), write, say, str(world.project()))
    said: dict[str, Any] = ended.document
    told = json.dumps({"file_path": str(path), "content": "x"})
    assert said["monitored"] == f"written\n\n=== Execution Results ===\nWrite {told}: succeeded"
    operation = said["operation"]
    assert (operation["type"], operation["filepath"], operation["rolled_back"]) == ("create", str(path), False)
    (conversation,) = said["conversations"]
    assert conversation["agents"] == ["planner", "Claude"]
    assert [(one["agent"], one["type"]) for one in conversation["messages"]] == [
        ("planner", "message"),
        ("Claude", "execution"),
        ("Claude", "result"),
    ]
    assert [one["id"] for one in conversation["file_operations"]] == [operation["id"]]
    assert {name: agent["status"] for name, agent in said["agents"].items()} == {"planner": "idle", "Claude": "idle"}
    assert (said["rolled back"], said["again"], path.exists()) == (True, False, False)
    assert (said["stats"]["active_conversations"], said["stats"]["total_file_operations"]) == (0, 1)
    assert said["stats"]["recent_operations"][0]["rolled_back"]
    assert (said["simple"], said["wrapper"], said["call"]) == ("said", "said", "said")
    assert "is not rolled back: Not undone: it was taken back before" in ended.err
    # The sessions of the program end with it.
    listed = await world.operator("GET", "/api/claude-code/sessions")
    assert {session["status"] for session in listed.json()["sessions"]} == {"disconnected"}


INSIDE = """
import asyncio, os, sys
from xswarm_client import claude_execute, claude_execute_simple

async def main():
    assert claude_execute_simple(sys.argv[1]) == "said"  # inside a running loop, as in a notebook
    answers = await asyncio.gather(*(asyncio.to_thread(claude_execute, sys.argv[1]) for _ in range(3)))
    assert answers == ["said"] * 3, answers

asyncio.run(main())
os.environ["XSWARM_TIMEOUT_SECONDS"] = "1"
print(claude_execute(sys.argv[2]))
"""


async def test_calls_work_inside_a_running_loop_and_in_threads_and_time_out_as_a_string(
    world: World, tmp_path: Path
) -> None:
    ended = await written(tmp_path, INSIDE, await environment(world), script({"text": "said"}), script(HANG))
    assert (ended.code, ended.out) == (0, "Claude timed out\n"), ended
    await until(lambda: not world.turns("running"), "the turn is stopped")


async def test_without_a_folder_the_daemon_chooses_the_project(world: World, tmp_path: Path) -> None:
    given = await environment(world)
    del given["XSWARM_PROJECT"]
    code = "import sys, xswarm_client\nprint(xswarm_client.claude_execute(sys.argv[1]))"
    ended = await written(tmp_path, code, given, script({"text": "routed"}))
    assert ended.out == "routed\n", ended


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"XSWARM_TOKEN": ""}, "Error: there is no token (set XSWARM_TOKEN; "),
        ({"XSWARM_TOKEN": "wrong"}, "Error: Invalid authentication token (set XSWARM_TOKEN; "),
        ({"XSWARM_URL": f"ws://127.0.0.1:{free_port()}"}, "Error: ws://127.0.0.1:"),
        ({"XSWARM_PROJECT": "/nowhere"}, "Error: Project not allowed: /nowhere (name a folder "),
        ({"XSWARM_TIMEOUT_SECONDS": "soon"}, "Error: XSWARM_TIMEOUT_SECONDS must be a number of seconds"),
    ],
)
async def test_a_failure_is_a_string_and_no_traceback(
    world: World, tmp_path: Path, given: dict[str, str], sentence: str
) -> None:
    code = "import xswarm_client as x\nprint(x.monitored_claude_execute('hi'))"
    ended = await written(tmp_path, code, await environment(world) | given)
    assert (ended.code, ended.out.startswith(sentence)) == (0, True), ended
    assert "Traceback" not in ended.err


async def test_the_first_program_of_the_readme_works(world: World, tmp_path: Path) -> None:
    text = (ROOT / "packages" / "python" / "README.md").read_text(encoding="utf-8")
    code = text.partition("```python\n")[2].partition("```")[0]
    ended = await written(tmp_path, code, await environment(world))
    answer, cost = ended.out.rstrip().rsplit("\n", 1)
    assert (ended.code, bool(answer), float(cost) > 0) == (0, True, True), ended


async def test_what_a_program_reports_is_pushed_to_whoever_subscribes(world: World, tmp_path: Path) -> None:
    async with world.socket() as socket:
        await socket.send(json.dumps({"type": "subscribe", "topics": ["agents"]}))
        assert json.loads(await socket.recv())["topics"] == ["agents"]
        code = "from xswarm_client import *\nlog_agent_message('planner', 'hi', 'sent')\n"
        code += "update_agent_status('planner', 'x')"
        assert (await written(tmp_path, code, await environment(world))).code == 0
        said, changed = json.loads(await socket.recv()), json.loads(await socket.recv())
    assert (said["type"], said["agent"], said["content"]) == ("new_message", "planner", "hi")
    assert said["message_type"] == "sent"
    assert (changed["type"], changed["agent"], changed["status"]) == ("agent_status_update", "planner", "x")
    assert said["user_id"] == changed["user_id"] == "alice"
