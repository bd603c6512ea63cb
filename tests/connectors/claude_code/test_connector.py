"""A Claude Code that is missing, hangs, floods, prints garbage or dies causes a sentence, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from connectors.claude_code.plugin import PLUGIN
from connectors.claude_code.process import tree
from connectors.claude_code.process.allowance import Allowance
from connectors.claude_code.process.cgroup import Groups
from connectors.claude_code.process.fence import ladder
from connectors.claude_code.process.orphans import Orphan, state_mark
from connectors.claude_code.process.process import Patience
from connectors.claude_code.watchdog import TimeLimits
from supervisor.protocol.conversation import STATE_MARK, Exited, Failed, Prompt, SessionSpec, TextDelta
from supervisor.protocol.errors import ConfigError, ConnectionFailed
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId
from tests.connectors.claude_code.support import HASTY, TOKEN, Host, Policy, Reader, make_connector, make_spec, opened
from tests.slowness import scaled
from tests.waiting import until

URL = "http://127.0.0.1:9"
"""Nothing listens there: these tests never call a model."""
SOON = TimeLimits(start=1.0, receipt=0.3, acceptance=0.3, dropped=0.1, write=0.5)
PATIENT = TimeLimits(start=scaled(30.0), receipt=0.3, acceptance=scaled(30.0), write=scaled(30.0))

PREAMBLE = """\
import json, os, signal, sys, time
def say(**frame):
    print(json.dumps(frame), flush=True)
def read():
    return json.loads(sys.stdin.readline())
def ready(**more):
    request = read()
    answer = {"hooks_applied": True, "hook_on_failure_supported": True, **more}
    say(type="control_response", response={
        "subtype": "success", "request_id": request["request_id"], "response": answer})
"""


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """Check that no process, no record and no temporary folder is left."""
    yield
    assert tree.marked(STATE_MARK, state_mark(str(tmp_path / "state"))) == []
    assert list((tmp_path / "state").glob("processes/*")) == []


def stand_in(folder: Path, body: str) -> str:
    """Return the path of a program that is started instead of Claude Code."""
    path = folder / "claude"
    path.write_text(f"#!{sys.executable} -IS\n{PREAMBLE}{textwrap.dedent(body)}")
    path.chmod(0o755)
    return str(path)


async def refusal(folder: Path, limits: TimeLimits = PATIENT, spec: SessionSpec | None = None, **settings: Any) -> str:
    """Open a session that must not start; return why it did not."""
    connector = make_connector(folder, limits=limits, patience=HASTY, fences=(), sandbox="off", **settings)
    with pytest.raises(ConnectionFailed) as caught:
        await connector.open(spec or make_spec(folder, URL, Policy()), ())
    return caught.value.why


async def test_a_missing_cli_is_named(tmp_path: Path) -> None:
    assert await refusal(tmp_path, cli_path="/nonexistent/claude") == "there is no Claude Code at /nonexistent/claude"


async def test_a_cli_that_may_not_be_executed_is_named(tmp_path: Path) -> None:
    path = Path(stand_in(tmp_path, ""))
    path.chmod(0o644)
    assert await refusal(tmp_path, cli_path=str(path)) == f"Claude Code at {path} may not be executed"


@pytest.mark.parametrize("cli", ["/nonexistent/claude", "false"])
async def test_preparing_without_a_working_cli_is_an_error_of_the_configuration(cli: str, tmp_path: Path) -> None:
    path = cli if cli.startswith("/") else str(tmp_path / "false")
    if cli == "false":
        Path(path).write_text("#!/bin/sh\nexit 1\n")
        Path(path).chmod(0o755)
    with pytest.raises(ConfigError, match=r"^claude_code\.cli_path: "):
        await make_connector(tmp_path, cli_path=path).prepare()


async def test_a_cli_that_hangs_is_given_up(tmp_path: Path) -> None:
    why = await refusal(tmp_path, SOON, cli_path=stand_in(tmp_path, "time.sleep(1000)"))
    assert why == "it did not answer within 1 seconds"


async def test_a_cli_that_floods_lines_is_given_up(tmp_path: Path) -> None:
    why = await refusal(tmp_path, cli_path=stand_in(tmp_path, "while True: print('y')"))
    assert why == "the program that was started does not speak the protocol of Claude Code"


async def test_a_cli_that_floods_one_line_is_given_up(tmp_path: Path) -> None:
    why = await refusal(tmp_path, cli_path=stand_in(tmp_path, "while True: sys.stdout.write('y' * 1048576)"))
    assert why == "it printed a line of more than 64 MiB"


async def test_a_cli_that_floods_stderr_harms_nobody(tmp_path: Path) -> None:
    why = await refusal(tmp_path, SOON, cli_path=stand_in(tmp_path, "while True: sys.stderr.write('y' * 65536)"))
    assert why == "it did not answer within 1 seconds"


async def test_a_cli_that_prints_garbage_is_said_to(tmp_path: Path) -> None:
    why = await refusal(tmp_path, cli_path=stand_in(tmp_path, "print('Welcome!\\nPlease log in'); sys.exit(3)"))
    assert why == "it ended by itself (exit code 3), and it printed 2 lines that are no frames"


async def test_a_cli_that_dies_is_quoted_without_secrets(tmp_path: Path) -> None:
    body = "sys.stderr.write('first\\ncannot log in with ' + os.environ['ANTHROPIC_API_KEY'] + '\\n'); sys.exit(3)"
    why = await refusal(tmp_path, cli_path=stand_in(tmp_path, body))
    assert why == "it ended by itself (exit code 3): cannot log in with ***"
    assert TOKEN not in why


async def test_no_part_of_a_secret_is_left_where_a_line_is_cut(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    body = "key = os.environ['ANTHROPIC_API_KEY']; print('x' * 190 + key, flush=True)\n"
    body += "sys.stderr.write('y' * 290 + key + '\\n'); sys.exit(3)"
    why = await refusal(tmp_path, cli_path=stand_in(tmp_path, body))
    assert why.endswith("y***")
    assert "xxx***" in caplog.text
    assert TOKEN[:8] not in why + caplog.text


async def test_a_cli_that_does_not_honour_the_policy_is_refused(tmp_path: Path) -> None:
    why = await refusal(tmp_path, cli_path=stand_in(tmp_path, "ready(hooks_applied=False); time.sleep(1000)"))
    assert why == "this version of Claude Code does not let a policy decide about its tools"


async def test_what_nodes_share_is_hidden_as_the_state_is_even_where_it_is_not_there_yet(tmp_path: Path) -> None:
    fences = [rung for rung in ladder(os.environ["PATH"]) if rung.mounts]
    if not fences:
        pytest.skip("bwrap is not installed")
    there, later = tmp_path / "there", tmp_path / "later"
    (there / "uploads").mkdir(parents=True)
    for shared in (there, later):
        body = f"sys.stderr.write('seen: ' + repr(os.listdir({str(shared)!r}))); sys.exit(3)"
        connector = make_connector(
            tmp_path, fences=fences, sandbox="off", cli_path=stand_in(tmp_path, body), shared=shared
        )
        with pytest.raises(ConnectionFailed, match=r"seen: \[\]"):
            await connector.open(make_spec(tmp_path, URL, Policy()), ())
    assert later.is_dir()


async def test_a_project_that_vanished_is_named(tmp_path: Path) -> None:
    spec = make_spec(tmp_path, URL, Policy())
    os.rmdir(spec.project_path)
    why = await refusal(tmp_path, spec=spec, cli_path=stand_in(tmp_path, ""))
    assert why == f"the project folder is not there: {spec.project_path}"


async def test_a_session_whose_old_process_could_not_be_ended_waits_for_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec(tmp_path, URL, Policy())
    undead = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        found = [Orphan(identity=tree.identify(undead.pid), session=spec.id, gone=False)]

        async def end_orphans(state_dir: str) -> list[Orphan]:
            return found

        monkeypatch.setattr("connectors.claude_code.connector.end_orphans", end_orphans)
        cli = stand_in(tmp_path, "if '--version' in sys.argv: print('9.9.9 (Claude Code)')")
        connector = make_connector(tmp_path, patience=HASTY, fences=(), sandbox="off", cli_path=cli)
        await connector.prepare()
        with pytest.raises(ConnectionFailed, match=f"process {undead.pid} of an earlier daemon is still running"):
            await connector.open(spec, ())
    finally:
        undead.kill()
        undead.communicate()
    with pytest.raises(ConnectionFailed) as caught:
        await connector.open(spec, ())
    assert "earlier daemon" not in caught.value.why


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"endpoint": None}, "the session has no way to a model"),
        ({"conversation_id": "--resume"}, "badly formed hexadecimal UUID string"),
        ({"model": "--settings"}, "'--settings' is not a valid name of a model"),
    ],
)
async def test_a_session_that_cannot_be_started_is_refused(fields: dict[str, Any], why: str, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, URL, Policy(), **fields)
    assert await refusal(tmp_path, spec=spec, cli_path=stand_in(tmp_path, "")) == why


async def in_a_turn(
    folder: Path, body: str, limits: TimeLimits = PATIENT, groups: Groups | None = None
) -> tuple[Failed, Exited]:
    """Start a stand-in that takes a prompt; return how its turn and its conversation end."""
    connector = make_connector(
        folder, limits=limits, patience=HASTY, fences=(), sandbox="off", cli_path=stand_in(folder, "ready()\n" + body)
    )
    connector._launcher._groups = groups
    async with opened(connector, make_spec(folder, URL, Policy())) as reader:
        prompt = Prompt(message_id=MessageId(uuid7()), text="hello")
        await reader.conversation.prompt(prompt)
        (*_, failed) = await reader.turn()
        (*_, exited) = await reader.until()
        with pytest.raises(ConnectionFailed):
            await reader.conversation.prompt(prompt)
    assert isinstance(failed, Failed)
    assert failed.message_id == prompt.message_id
    assert isinstance(exited, Exited)
    assert exited.why == failed.why
    return failed, exited


HALF_AN_ANSWER = """
read()
delta = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "half"}}
say(type="stream_event", event=delta, parent_tool_use_id=None)
"""


async def test_a_cli_that_dies_in_a_turn_fails_it_with_what_it_had_written(tmp_path: Path) -> None:
    failed, _ = await in_a_turn(tmp_path, HALF_AN_ANSWER + "sys.stderr.write('out of memory\\n'); os._exit(9)")
    assert failed.why == "it ended by itself (exit code 9): out of memory"
    assert failed.partial == "half"


async def test_a_cli_that_the_kernel_ended_for_its_memory_is_said_to_have_taken_too_much(tmp_path: Path) -> None:
    base = tmp_path / "groups"
    base.mkdir()
    (base / "cgroup.controllers").write_text("memory\n")
    body = f"import glob; [made] = glob.glob({str(base)!r} + '/xswarm-*')\n"
    body += "open(made + '/memory.events', 'w').write('oom_kill 1'); os.kill(os.getpid(), 9)"
    groups = Groups(base, mark="a" * 32, allowance=Allowance(memory_mb=600))
    failed, _ = await in_a_turn(tmp_path, HALF_AN_ANSWER + body, groups=groups)
    assert failed.why == "it needed more than 600 MB of memory and was ended"
    assert "session_memory_mb" in failed.remedy


async def test_a_cli_that_closes_its_output_in_a_turn_is_ended(tmp_path: Path) -> None:
    body = HALF_AN_ANSWER + "sys.stdout.flush(); os.close(1); time.sleep(1000)"
    failed, _ = await in_a_turn(tmp_path, body)
    assert failed.why == "it closed its output"


async def test_a_cli_that_ignores_a_prompt_is_ended(tmp_path: Path) -> None:
    failed, _ = await in_a_turn(tmp_path, "time.sleep(1000)", dataclasses.replace(PATIENT, acceptance=0.3))
    assert failed.why == "it did not take up the message; send it again as a new message"


async def test_garbage_in_a_turn_is_stepped_over(tmp_path: Path) -> None:
    failed, _ = await in_a_turn(tmp_path, "print('oops\\n{\\n[]')" + HALF_AN_ANSWER + "sys.exit(1)")
    assert failed.partial == "half"
    assert "printed 3 lines" in failed.why


async def test_a_cli_that_ignores_an_interrupt_is_killed(tmp_path: Path) -> None:
    body = f"ready()\n{HALF_AN_ANSWER}\ntime.sleep(1000)"
    connector = make_connector(
        tmp_path, limits=PATIENT, patience=HASTY, fences=(), sandbox="off", cli_path=stand_in(tmp_path, body)
    )
    async with opened(connector, make_spec(tmp_path, URL, Policy())) as reader:
        await reader.conversation.prompt(Prompt(message_id=MessageId(uuid7()), text="hello"))
        await reader.until(TextDelta)
        await reader.conversation.interrupt()
        failed, exited = (await reader.turn())[-1], (await reader.until())[-1]
    assert isinstance(failed, Failed)
    assert failed.interrupted
    assert exited == Exited(why="it did not stop when it was told to")


@pytest.mark.parametrize("fence", ["none", *[fence.name for fence in ladder(os.environ.get("PATH", os.defpath))]])
async def test_a_cli_that_ignores_every_request_to_end_is_killed_with_its_children(fence: str, tmp_path: Path) -> None:
    body = """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
        time.sleep(1000)
    ready()
    time.sleep(1000)
    """
    connector = make_connector(
        tmp_path,
        patience=HASTY,
        fences=[rung for rung in ladder(os.environ["PATH"]) if rung.name == fence],
        sandbox="off",
        cli_path=stand_in(tmp_path, body),
    )
    conversation = await connector.open(make_spec(tmp_path, URL, Policy()), ())
    await asyncio.gather(conversation.close(), conversation.close())
    assert await Reader(conversation).until() == [Exited()]


async def test_a_cli_asked_to_end_may_save_first(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    body = f"""
    def save(*_):
        open({str(saved)!r}, "w").close()
        sys.exit(0)
    signal.signal(signal.SIGTERM, save)
    ready()
    time.sleep(1000)
    """
    patience = Patience(drain=0.1, term=scaled(10.0))
    connector = make_connector(tmp_path, patience=patience, sandbox="off", cli_path=stand_in(tmp_path, body))
    async with opened(connector, make_spec(tmp_path, URL, Policy())):
        pass
    assert saved.exists()


async def test_no_more_than_two_start_at_once(tmp_path: Path) -> None:
    starting = tmp_path / "starting"
    starting.mkdir()
    body = f"""
    open({str(starting)!r} + f"/{{os.getpid()}}", "w").close()
    while not os.path.exists({str(tmp_path / "go")!r}):
        time.sleep(0.005)
    ready()
    sys.stdin.read()
    """
    connector = make_connector(tmp_path, fences=(), sandbox="off", cli_path=stand_in(tmp_path, body))
    specs = [make_spec(tmp_path, URL, Policy(), home=str(tmp_path / "homes" / str(n))) for n in range(4)]
    opening = [asyncio.create_task(connector.open(spec, ()), name="open") for spec in specs]
    await until(lambda: len(list(starting.iterdir())) == 2, "two are starting")
    (tmp_path / "go").touch()
    conversations = await asyncio.gather(*opening)
    assert len(list(starting.iterdir())) == 4
    await asyncio.gather(*(conversation.close() for conversation in conversations))


async def test_a_cancelled_start_leaves_nothing(tmp_path: Path) -> None:
    cli = stand_in(tmp_path, f"open({str(tmp_path / 'up')!r}, 'w').close(); time.sleep(1000)")
    connector = make_connector(tmp_path, patience=HASTY, fences=(), sandbox="off", cli_path=cli)
    opening = asyncio.create_task(connector.open(make_spec(tmp_path, URL, Policy()), ()), name="open")
    await until((tmp_path / "up").exists, "it has started")
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening


async def test_a_cancelled_start_does_not_wait_for_what_does_not_listen(tmp_path: Path) -> None:
    body = f"signal.signal(signal.SIGTERM, signal.SIG_IGN); open({str(tmp_path / 'up')!r}, 'w').close()"
    cli = stand_in(tmp_path, f"{body}; time.sleep(1000)")
    patience = Patience(drain=1000.0, term=0.2)
    connector = make_connector(tmp_path, patience=patience, fences=(), sandbox="off", cli_path=cli)
    opening = asyncio.create_task(connector.open(make_spec(tmp_path, URL, Policy()), ()), name="open")
    await until((tmp_path / "up").exists, "it has started")
    opening.cancel()
    await asyncio.wait([opening], timeout=scaled(10))
    assert opening.cancelled()


class Cancelling(FileIO):
    """A pipe that cancels the task which opens it, once the process works."""

    used = Path()

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        while not self.used.exists():
            os.sched_yield()
        task = asyncio.current_task()
        assert task is not None
        task.cancel()


async def test_a_start_cancelled_before_its_process_is_ours_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.claude_code.process.pipes.FileIO", Cancelling)
    monkeypatch.setattr(Cancelling, "used", tmp_path / "used")
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    monkeypatch.setattr("connectors.claude_code.launcher.make_tmp", lambda: str(tmp))
    body = f"open(os.environ['TMPDIR'] + '/file', 'w').close(); open({str(tmp_path / 'used')!r}, 'w').close()"
    cli = stand_in(tmp_path, f"{body}; time.sleep(1000)")
    connector = make_connector(tmp_path, patience=HASTY, fences=(), sandbox="off", cli_path=cli)
    opening = asyncio.create_task(connector.open(make_spec(tmp_path, URL, Policy()), ()), name="open")
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert not tmp.exists()


async def test_preparing_says_what_is_in_force(tmp_path: Path) -> None:
    cli = tmp_path / "claude"
    cli.write_text("#!/bin/sh\necho '9.9.9 (Claude Code)'\n")
    cli.chmod(0o755)
    said = await make_connector(tmp_path, fences=(), sandbox="off", cli_path=str(cli)).prepare()
    assert said[0] == "Claude Code 9.9.9"
    assert "not fenced" in said[1]
    assert "without a sandbox" in said[2]


def test_the_plugin_builds_the_connector_from_its_settings(tmp_path: Path) -> None:
    connector = PLUGIN.build(PLUGIN.config(), Host(tmp_path))
    assert connector.name == PLUGIN.name == "claude_code"


FLOOD = """
block = {"type": "tool_use", "name": "Bash", "input": {}}
while True:
    TURNS
"""
TEXT = 'say(type="stream_event", event={**delta, "delta": {"type": "text_delta", "text": "y" * 65536}})'
CALLS = """import itertools
    for number in itertools.count():
        say(type="assistant", message={"content": [{**block, "id": str(number)}]})"""

QUESTIONS = """import itertools
    for number in itertools.count():
        hook = {"tool_name": "Bash", "tool_use_id": str(number), "tool_input": {}}
        say(type="control_request", request_id=str(number), request={"subtype": "hook_callback", "input": hook})"""


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (QUESTIONS, "it asked more than 1000 questions at a time"),
        (TEXT, "it wrote more than 4,000,000 characters in one turn"),
        (CALLS, "it called more than 10,000 tools in one turn"),
        ("print('y')", "the program that was started does not speak the protocol of Claude Code"),
    ],
)
async def test_a_cli_that_floods_in_a_turn_is_ended(body: str, why: str, tmp_path: Path) -> None:
    failed, _ = await in_a_turn(tmp_path, HALF_AN_ANSWER + FLOOD.replace("TURNS", body))
    assert failed.why == why
    assert failed.partial.startswith("half")
