"""The real Claude Code against the scripted model: one test per behaviour that we rely on."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Self

import pytest
import uvloop
from aiohttp import web

from connectors.claude_code.command import Home
from connectors.claude_code.history import ELSEWHERE, NOTICE, find_transcript
from connectors.claude_code.process import tree
from connectors.claude_code.process.orphans import state_mark
from supervisor.models.offline.model import OfflineModel
from supervisor.models.offline.transcript import Transcript
from supervisor.protocol.conversation import (
    STATE_MARK,
    Exchange,
    Exited,
    Failed,
    Finished,
    Prompt,
    SessionSpec,
    TextDelta,
    ToolCall,
    ToolFinished,
    ToolStarted,
    UsageReported,
    Verdict,
)
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId
from tests import proc
from tests.connectors.claude_code.support import (
    LIMITS,
    Policy,
    limited,
    make_connector,
    make_spec,
    opened,
    script,
    tool,
)
from tests.slowness import scaled
from tests.waiting import until

pytestmark = pytest.mark.cli_process

TURN, SILENCE = 1.0, 0.5
"""Limits that a test outlasts, in seconds. They hold in `limited` alone: what must succeed has more time."""

ENDLESS = {"text": "one two three four", "token_delay": 60.0}


@pytest.fixture
async def model() -> AsyncIterator[OfflineModel]:
    async with OfflineModel() as offline:
        yield offline


class Listening(OfflineModel):
    """Keeps the bodies of all requests."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[str] = []

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    def _record(self, request: web.Request, body: Mapping[str, Any], transcript: Transcript, *, attempt: int) -> None:
        self.bodies.append(json.dumps(body))
        super()._record(request, body, transcript, attempt=attempt)


def left_of(folder: Path) -> list[int]:
    mark = state_mark(str(folder / "state"))
    return [identity.pid for identity in tree.marked(STATE_MARK, mark)]


def transcript(spec: SessionSpec) -> str:
    """Return the transcript: all requests to the model, and its answers."""
    path = find_transcript(Home(root=Path(spec.home)).config, spec.conversation_id)
    assert path is not None
    return path.read_text()


async def test_a_turn_runs_tools_streams_text_and_reports_what_it_cost(model: OfflineModel, tmp_path: Path) -> None:
    policy = Policy()
    spec = make_spec(tmp_path, model.url, policy)
    async with opened(make_connector(tmp_path), spec) as reader:
        identity = reader.conversation.identity
        assert tree.is_alive(identity)
        events = await reader.ask(
            script(
                {"text": "I write.", "tools": [tool("Write", file_path="a.txt", content="hi")]}, {"text": "all done"}
            )
        )
        again = await reader.ask("hello")
    assert Path(spec.project_path, "a.txt").read_text() == "hi"
    assert [call.name for call in policy.asked] == ["Write"]
    assert [event.name for event in events if isinstance(event, ToolStarted)] == ["Write"]
    assert [event.failed for event in events if isinstance(event, ToolFinished)] == [False]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "I write.\n\nall done"
    usage, finished = events[-2:]
    assert isinstance(usage, UsageReported)
    assert usage.provider_nanos is not None
    assert isinstance(finished, Finished)
    assert finished.text == "all done"
    assert isinstance(again[-1], Finished)
    assert await reader.until() == [Exited()]
    assert left_of(tmp_path) == []
    assert not os.path.exists(f"/proc/{identity.pid}")
    assert list((tmp_path / "state" / "processes").iterdir()) == []


async def test_every_tool_call_is_decided_by_the_policy(model: OfflineModel, tmp_path: Path) -> None:
    policy = Policy(frozenset({"Write", "Bash", "Edit", "NotebookEdit", "Agent", "Read", "Glob", "Grep"}))
    spec = make_spec(tmp_path, model.url, policy)
    project = Path(spec.project_path)
    (project / "secret.txt").write_text("the hidden words")
    calls = [
        tool("Write", file_path="a.txt", content="hi"),
        tool("Bash", command="echo hi > b.txt"),
        tool("Read", file_path=str(project / "secret.txt")),
        tool("Glob", pattern="*"),
        tool("Grep", pattern="hidden"),
        tool("Agent", description="d", prompt="look", subagent_type="general-purpose"),
    ]
    async with opened(make_connector(tmp_path, sandbox="off"), spec) as reader:
        events = await reader.ask(script({"tools": calls}, {"text": "done"}))
        # What would go past the policy: a file named in the prompt, a command that outlives its turn.
        await reader.ask(f"see @secret.txt and @{project}/secret.txt")
        later = await reader.ask(
            script({"tools": [tool("Bash", command="sleep 60", run_in_background=True)]}, {"text": "done"})
        )
    assert sorted(call.name for call in policy.asked) == sorted(call["name"] for call in calls)
    assert all(event.failed for event in (*events, *later) if isinstance(event, ToolFinished))
    assert sum(isinstance(event, ToolFinished) for event in events) == len(calls)
    assert all("not in this test" in event.result for event in events if isinstance(event, ToolFinished))
    assert "the hidden words" not in transcript(spec)
    assert sorted(path.name for path in project.iterdir()) == ["secret.txt"]
    offered = model.requests[0].tools
    assert {"Read", "Write", "Edit", "Bash", "Agent"} <= offered
    assert not offered & {
        "AskUserQuestion",
        "WebFetch",
        "WebSearch",
        "SendMessage",
        "CronCreate",
        "ExitPlanMode",
        "Skill",
    }


async def test_an_interrupt_ends_the_turn_and_keeps_the_session(model: OfflineModel, tmp_path: Path) -> None:
    async with opened(make_connector(tmp_path), make_spec(tmp_path, model.url, Policy())) as reader:
        await reader.conversation.interrupt()
        await reader.conversation.prompt(Prompt(message_id=MessageId(uuid7()), text=script(ENDLESS)))
        await reader.until(TextDelta)
        await reader.conversation.interrupt()
        (*_, failed) = await reader.turn()
        assert isinstance(failed, Failed)
        assert failed.interrupted
        assert failed.partial.startswith("one")
        assert isinstance((await reader.ask("still there?"))[-1], Finished)


@pytest.mark.parametrize("steered", [False, True])
async def test_a_decision_may_take_long_and_dies_with_its_turn(
    steered: bool, model: OfflineModel, tmp_path: Path
) -> None:
    asked, cancelled = asyncio.Event(), asyncio.Event()

    async def undecided(call: ToolCall) -> Verdict:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError("nobody decides in this test")

    spec = dataclasses.replace(make_spec(tmp_path, model.url, Policy()), decide=undecided)
    async with opened(make_connector(tmp_path), spec) as reader:
        prompt = script({"tools": [tool("Write", file_path="a.txt", content="hi")]}, {"text": "done"})
        await reader.conversation.prompt(Prompt(message_id=MessageId(uuid7()), text=prompt))
        await asyncio.wait_for(asked.wait(), scaled(30))
        with limited(reader, turn=TURN, silence=SILENCE):
            if steered:
                await reader.conversation.prompt(Prompt(message_id=MessageId(uuid7()), text="and another thing"))
            with pytest.raises(TimeoutError):
                await reader.turn(timeout=2 * TURN)  # longer than a turn may take, and the watchdog does not bark
        await reader.conversation.interrupt()
        await asyncio.wait_for(cancelled.wait(), scaled(10))
    assert not Path(spec.project_path, "a.txt").exists()


async def test_the_clocks_of_a_turn_stand_while_its_process_is_frozen(model: OfflineModel, tmp_path: Path) -> None:
    async with opened(make_connector(tmp_path), make_spec(tmp_path, model.url, Policy())) as reader:
        assert await reader.conversation.freeze()
        with limited(reader, turn=TURN, silence=SILENCE, acceptance=SILENCE):
            await reader.conversation.prompt(Prompt(message_id=MessageId(uuid7()), text="are you there?"))
            turn = asyncio.create_task(reader.turn())
            _, waits = await asyncio.wait([turn], timeout=2 * TURN)  # longer than a turn, or a prompt, may take
            assert waits
        await reader.conversation.thaw()
        (*_, finished) = await turn
        assert isinstance(finished, Finished)


async def test_a_closed_conversation_is_resumed(model: OfflineModel, tmp_path: Path) -> None:
    connector, spec = make_connector(tmp_path), make_spec(tmp_path, model.url, Policy())
    async with opened(connector, spec) as reader:
        await reader.ask("the word is walnut")
    async with opened(connector, dataclasses.replace(spec, resume=True)) as reader:
        (*_, finished) = await reader.ask("which word?")
    assert isinstance(finished, Finished)
    assert not finished.text.startswith(NOTICE)
    assert "walnut" in "".join(text for _, text in model.requests[-1].turns)


async def test_a_conversation_goes_on_in_a_renamed_folder_and_is_told_of_it_once(
    model: OfflineModel, tmp_path: Path
) -> None:
    connector, spec = make_connector(tmp_path), make_spec(tmp_path, model.url, Policy())
    async with opened(connector, spec) as reader:
        await reader.ask(script({"text": "first"}, say="remember the blue door"))
    new = tmp_path / "renamed"
    Path(spec.project_path).rename(new)
    spec = dataclasses.replace(spec, resume=True, project_path=str(new))
    for _ in range(2):
        async with opened(connector, spec) as reader:
            events = await reader.ask(
                script({"tools": [tool("Write", file_path="a.txt", content="hi")]}, {"text": "b"})
            )
            assert isinstance(events[-1], Finished)
            assert events[-1].text == "b"
    assert (new / "a.txt").exists()
    told = transcript(spec)
    assert "blue door" in told
    assert told.count('"type":"user"') > 2
    notes = [line for line in told.splitlines() if "the folder of this project was moved" in line.lower()]
    assert len([line for line in notes if json.loads(line).get("type") == "user"]) == 1


@pytest.mark.parametrize("given", [True, False])
async def test_the_instructions_of_a_project_reach_the_model_only_where_they_are_given(
    tmp_path: Path, given: bool
) -> None:
    async with Listening() as model:
        spec = make_spec(tmp_path, model.url, Policy())
        path = Path(spec.project_path, "CLAUDE.md")
        spec = dataclasses.replace(spec, instructions=str(path) if given else "")
        for resume, text in ((False, "a blue whale"), (True, "a red fox")):
            path.write_text(f"Answer like {text}.")
            async with opened(make_connector(tmp_path), dataclasses.replace(spec, resume=resume)) as reader:
                await reader.ask(script({"text": "done"}))
            assert (text in model.bodies[-1]) is given


async def test_a_command_of_claude_code_in_a_prompt_is_text_for_the_model(model: OfflineModel, tmp_path: Path) -> None:
    async with opened(make_connector(tmp_path), make_spec(tmp_path, model.url, Policy())) as reader:
        for text in ("/login", "/clear", "  /compact all of it", "/config", "\n/status", "/export x", "/help", "/cost"):
            (*_, finished) = await reader.ask(text)
            assert isinstance(finished, Finished)
            assert f'You wrote: "{text.strip()}".' in finished.text
            assert model.requests[-1].prompt == text
        assert len(model.requests) == 8
        await reader.ask("hello")  # the session goes on, and remembers what was said before
        assert "/login" in "".join(text for _, text in model.requests[-1].turns)


LOSSES = {"gone": None, "unreadable": b"garbage\n{{{\n", "empty": b"", "blank": b"\n", "zeros": bytes(8192)}
"""What is left of a transcript; ext4 leaves an empty file or one of zeros after a power cut."""


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_lost_transcript_starts_anew_from_our_history(loss: str, model: OfflineModel, tmp_path: Path) -> None:
    connector, spec = make_connector(tmp_path), make_spec(tmp_path, model.url, Policy())
    if (left := LOSSES[loss]) is not None:
        async with opened(connector, spec) as reader:
            await reader.ask("hello")
        path = find_transcript(Home(root=Path(spec.home)).config, spec.conversation_id)
        assert path is not None
        path.write_bytes(left)
    history = [Exchange(prompt="the word is walnut", answer="noted")]
    async with opened(connector, dataclasses.replace(spec, resume=True), history) as reader:
        (*_, finished) = await reader.ask("which word?")
        (*_, second) = await reader.ask("thanks")
    assert isinstance(finished, Finished)
    assert finished.text.startswith(NOTICE)
    assert isinstance(second, Finished)
    assert not second.text.startswith(NOTICE)
    assert "walnut" in transcript(spec)


async def test_a_transcript_that_is_older_than_another_nodes_is_set_aside(model: OfflineModel, tmp_path: Path) -> None:
    connector, spec = make_connector(tmp_path), make_spec(tmp_path, model.url, Policy())
    async with opened(connector, spec) as reader:
        await reader.ask("the word is walnut")
    resumed = dataclasses.replace(spec, resume=True)
    history = [Exchange(prompt=f"the word is {word}", answer="noted") for word in ("walnut", "maple")]
    async with opened(connector, dataclasses.replace(resumed, elsewhere=True), history) as reader:
        (*_, finished) = await reader.ask("which word?")
    assert isinstance(finished, Finished)
    assert finished.text.startswith(ELSEWHERE)
    assert "maple" in transcript(spec)
    (older,) = Home(root=Path(spec.home)).config.glob(f"projects/*/{spec.conversation_id}.older-1")
    assert "maple" not in older.read_text()
    async with opened(connector, resumed) as reader:  # from now on this node has the newest one
        (*_, second) = await reader.ask("thanks")
    assert isinstance(second, Finished)
    assert not second.text.startswith(ELSEWHERE)
    assert "which word?" in "".join(text for _, text in model.requests[-1].turns)


@pytest.mark.parametrize("left", [b"", bytes(4096), b"{"], ids=["empty", "zeros", "torn"])
async def test_a_damaged_settings_file_does_not_end_the_session(
    left: bytes, model: OfflineModel, tmp_path: Path
) -> None:
    connector, spec = make_connector(tmp_path), make_spec(tmp_path, model.url, Policy())
    async with opened(connector, spec) as reader:
        await reader.ask("the word is walnut")
    (Home(root=Path(spec.home)).config / ".claude.json").write_bytes(left)
    async with opened(connector, dataclasses.replace(spec, resume=True)) as reader:
        assert isinstance((await reader.ask("which word?"))[-1], Finished)
        assert "walnut" in "".join(text for _, text in model.requests[-1].turns)


async def test_a_session_that_was_never_prompted_resumes_without_a_word(model: OfflineModel, tmp_path: Path) -> None:
    connector, spec = make_connector(tmp_path), make_spec(tmp_path, model.url, Policy())
    async with opened(connector, spec):
        pass
    async with opened(connector, dataclasses.replace(spec, resume=True)) as reader:
        (*_, finished) = await reader.ask("hello")
    assert isinstance(finished, Finished)
    assert not finished.text.startswith(NOTICE)


async def test_a_prompt_that_claude_code_knows_already_fails_instead_of_hanging(
    model: OfflineModel, tmp_path: Path
) -> None:
    limits = dataclasses.replace(LIMITS, dropped=0.2)
    async with opened(make_connector(tmp_path, limits=limits), make_spec(tmp_path, model.url, Policy())) as reader:
        prompt = Prompt(message_id=MessageId(uuid7()), text="hello")
        await reader.conversation.prompt(prompt)
        await reader.turn()
        requests = len(model.requests)
        await reader.conversation.prompt(prompt)
        (*_, failed) = await reader.turn()
        assert isinstance(failed, Failed)
        assert failed.message_id == prompt.message_id
        assert "as a new message" in failed.why
        assert len(model.requests) == requests
        assert isinstance((await reader.ask("and now?"))[-1], Finished)


async def test_a_refused_call_fails_the_turn_and_a_slow_one_times_out(model: OfflineModel, tmp_path: Path) -> None:
    async with opened(make_connector(tmp_path), make_spec(tmp_path, model.url, Policy())) as reader:
        (*_, refused) = await reader.ask(script({"errors": [402]}))
        assert isinstance(refused, Failed)
        assert "402" in refused.why
        requests = len(model.requests)
        await reader.conversation.prompt(Prompt(message_id=MessageId(uuid7()), text=script({"hang": True})))
        await until(
            lambda: len(model.requests) > requests and reader.conversation._turns.accepted, "the model is asked"
        )
        with limited(reader, turn=TURN):
            (*_, slow) = await reader.turn()
        assert isinstance(slow, Failed)
        assert slow.timed_out
        assert slow.why == f"the turn took longer than {TURN:g} seconds"
        assert isinstance((await reader.ask("still there?"))[-1], Finished)


async def test_a_process_that_dies_in_a_turn_fails_it_and_ends_the_conversation(
    model: OfflineModel, tmp_path: Path
) -> None:
    connector, spec = make_connector(tmp_path, sandbox="off"), make_spec(tmp_path, model.url, Policy())
    async with opened(connector, spec) as reader:
        prompt = script({"text": "wait", "tools": [tool("Bash", command="setsid sleep 1000")]}, {"text": "done"})
        await reader.conversation.prompt(Prompt(message_id=MessageId(uuid7()), text=prompt))
        seen = await reader.until(ToolStarted)
        await until(lambda: any(b"1000" in proc.read(pid, "cmdline") for pid in left_of(tmp_path)), "the tool runs")
        tree.send(reader.conversation.identity, signal.SIGKILL)
        failed, exited = (await reader.turn())[-1], (await reader.until())[-1]
        assert isinstance(failed, Failed)
        assert failed.partial == "wait"
        assert "killed by signal 9" in failed.why
        assert exited == Exited(why=failed.why)
        assert left_of(tmp_path) == []
    assert isinstance(seen[-1], ToolStarted)
    async with opened(connector, dataclasses.replace(spec, resume=True)) as reader:
        assert isinstance((await reader.ask("and now?"))[-1], Finished)


@pytest.mark.skipif(not (shutil.which("bwrap") and shutil.which("socat")), reason="the sandbox needs bwrap and socat")
@pytest.mark.requirement(25)
async def test_a_sandboxed_command_writes_in_the_project_only_and_has_no_network(
    model: OfflineModel, tmp_path: Path
) -> None:
    connector = make_connector(tmp_path)
    spec = make_spec(tmp_path, model.url, Policy())
    outside = tmp_path / "outside.txt"
    command = (
        f"echo hi > inside.txt; echo hi > {outside}; socat - TCP:127.0.0.1:{model.url.rsplit(':', 1)[1]} </dev/null"
    )
    async with opened(connector, spec) as reader:
        events = await reader.ask(script({"tools": [tool("Bash", command=command)]}, {"text": "done"}))
    (ended,) = [event for event in events if isinstance(event, ToolFinished)]
    assert "Read-only file system" in ended.result
    assert "refused" in ended.result
    assert Path(spec.project_path, "inside.txt").read_text() == "hi\n"
    assert not outside.exists()


@pytest.mark.skipif(not (shutil.which("bwrap") and shutil.which("socat")), reason="the sandbox needs bwrap and socat")
async def test_a_sandboxed_command_reads_nothing_of_ours_but_its_own_project_even_there(
    model: OfflineModel, tmp_path: Path
) -> None:
    connector, project = make_connector(tmp_path), tmp_path / "state" / "project"
    project.mkdir()
    (project / "note").write_text("ours to read")
    token = tmp_path / "state" / "operator.token"
    token.write_text("secret-of-the-operator")
    spec = make_spec(tmp_path, model.url, Policy(), project_path=str(project))
    async with opened(connector, spec) as reader:
        steps = {"tools": [tool("Bash", command=f"cat note {token}; echo hi > new")]}, {"text": "done"}
        events = await reader.ask(script(*steps))
    (ended,) = [event for event in events if isinstance(event, ToolFinished)]
    assert "ours to read" in ended.result
    assert token.read_text() not in ended.result
    assert (project / "new").read_text() == "hi\n"


def test_it_works_on_uvloop(tmp_path: Path) -> None:
    async def run() -> None:
        async with OfflineModel() as offline:
            async with opened(make_connector(tmp_path), make_spec(tmp_path, offline.url, Policy())) as reader:
                assert isinstance((await reader.ask("hello"))[-1], Finished)
            assert await reader.until() == [Exited()]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
