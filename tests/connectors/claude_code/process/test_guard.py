"""A session that exceeds its limits is ended with all processes, and the person gets the reason."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connectors.claude_code.process import tree
from connectors.claude_code.process.allowance import Allowance, Excess
from connectors.claude_code.process.fence import Fence, ladder
from connectors.claude_code.process.guard import Guard
from connectors.claude_code.process.orphans import state_mark
from supervisor.models.offline.model import OfflineModel
from supervisor.protocol.conversation import STATE_MARK, ConversationEvent, Exited, Failed, Finished, ProcessIdentity
from supervisor.protocol.errors import ConnectionFailed
from tests.connectors.claude_code.support import HASTY, Policy, make_connector, make_spec, opened, script, tool
from tests.slowness import scaled
from tests.waiting import until

GREEDY = "python3 -c 'import time; held = bytearray(b\"x\" * 900_000_000); time.sleep(1000)'"
MANY = "for i in $(seq 60); do setsid sleep 1000 & done; wait"
NESTED = "f() { sleep 1000 & [ $1 -lt 6 ] && { f $(($1 + 1)) & f $(($1 + 1)) & }; wait; }; f 0"
"""A process tree that doubles at every level, like a fork bomb, but with an end."""

FENCES = ladder("/usr/local/bin:/usr/bin:/bin")


@pytest.fixture
async def model() -> AsyncIterator[OfflineModel]:
    async with OfflineModel() as offline:
        yield offline


async def ended(folder: Path, url: str, command: str, fence: Fence, **limits: Any) -> list[ConversationEvent]:
    """Run a shell command in the real Claude Code; return the events from the prompt to the end of all."""
    connector = make_connector(folder, fences=(fence,), sandbox="off", **limits)
    async with opened(connector, make_spec(folder, url, Policy())) as reader:
        assert isinstance((await reader.ask("hello"))[-1], Finished)  # by itself it is well within
        events = await reader.ask(script({"tools": [tool("Bash", command=command)]}, {"text": "done"}), timeout=60.0)
        return [*events, *await reader.until()]


@pytest.mark.cli_process
@pytest.mark.parametrize("fence", FENCES, ids=[fence.name for fence in FENCES])
@pytest.mark.parametrize(
    ("command", "limits", "why"),
    [
        (GREEDY, {"session_memory_mb": 600}, "it needed more than 600 MB of memory"),
        (MANY, {"session_processes": 40}, "it needed more than 40 processes at the same time and was ended"),
        (NESTED, {"session_processes": 40}, "it needed more than 40 processes at the same time and was ended"),
    ],
    ids=["memory", "processes", "bomb"],
)
async def test_a_command_that_takes_too_much_ends_its_session(
    model: OfflineModel, tmp_path: Path, fence: Fence, command: str, limits: dict[str, Any], why: str
) -> None:
    *_, failed, exited = await ended(tmp_path, model.url, command, fence, **limits)
    assert isinstance(failed, Failed)
    assert failed.why.startswith(why)
    assert failed.remedy.startswith("ask for it in smaller steps, or raise claude_code.session_")
    assert (failed.interrupted, failed.timed_out) == (False, False)
    assert exited == Exited(why=failed.why)
    assert tree.marked(STATE_MARK, state_mark(str(tmp_path / "state"))) == []


@pytest.mark.cli_process
async def test_the_conversation_goes_on_in_another_process(model: OfflineModel, tmp_path: Path) -> None:
    connector = make_connector(tmp_path, sandbox="off", session_processes=40)
    spec = make_spec(tmp_path, model.url, Policy())
    async with opened(connector, spec) as reader:
        assert isinstance((await reader.ask(script({"tools": [tool("Bash", command=MANY)]})))[-1], Failed)
    async with opened(connector, spec) as reader:
        assert isinstance((await reader.ask("hello"))[-1], Finished)


async def test_who_exceeds_is_told_once_and_the_others_are_watched_on() -> None:
    guard, said = Guard(Allowance(processes=1), 0.01), list[Excess]()
    shell = await asyncio.create_subprocess_exec("bash", "-c", "sleep 1000 & wait")
    alone = await asyncio.create_subprocess_exec("sleep", "1000")
    roots = [tree.identify(process.pid) for process in (shell, alone)]
    for root in roots:
        guard.watch(root, said.append)
    try:
        await until(lambda: said, "the shell exceeds")
        calm = len(said)
        other = await asyncio.create_subprocess_exec("bash", "-c", "sleep 1000 & wait")
        roots.append(tree.identify(other.pid))
        guard.watch(roots[-1], said.append)
        await until(lambda: len(said) == calm + 1, "the other exceeds")
        assert calm == 1
    finally:
        for root in roots:
            await guard.release(root)
            await tree.end_tree(root, timeout=scaled(5.0))
        await asyncio.gather(shell.wait(), alone.wait(), other.wait())
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "claude code guard"]


async def test_without_limits_nobody_looks() -> None:
    guard = Guard(Allowance(), 0.01)
    nobody = ProcessIdentity(pid=1, started=0, boot_id="")
    guard.watch(nobody, list[Excess]().append)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "claude code guard"]
    await guard.release(nobody)


async def test_a_session_that_takes_too_much_before_it_answers_is_refused_with_the_reason(tmp_path: Path) -> None:
    cli = tmp_path / "claude"
    cli.write_text(f"#!{sys.executable} -IS\nimport time\nheld = bytearray(b'x' * 200_000_000)\ntime.sleep(1000)\n")
    cli.chmod(0o755)
    connector = make_connector(tmp_path, patience=HASTY, sandbox="off", session_memory_mb=100, cli_path=str(cli))
    with pytest.raises(ConnectionFailed, match=r"it needed more than 100 MB of memory \(") as caught:
        await connector.open(make_spec(tmp_path, "http://127.0.0.1:9", Policy()), ())
    assert "claude_code.session_memory_mb" in caught.value.remedy
