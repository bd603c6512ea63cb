"""Promises P1 to P7 at crash points, on both engines: the core is killed at each, and started again until done."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import pytest

from supervisor.background.recovery import MAX_INTERRUPTIONS
from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import Target, TurnState
from supervisor.store.records.result import Result
from tests.fakes import ScriptedConnector
from tests.postgres_server import wait_until_left
from tests.slowness import inherited
from tests.supervisor.crash_child import Killer, url_of, work
from tests.supervisor.harness import Core, open_database
from tests.supervisor.helpers import result
from tests.waiting import until

ROOT = Path(__file__).parents[2]
KILLED = -9
SCRIPT = {
    "key-1": "claude: effect one",
    "key-2": "claude: effect two",
    "key-3": "assistant: good morning",
    "key-4": "claude: effect three",
    "key-5": "assistant: good evening",
    "key-6": "STATUS",
    "chat-1": "good night",
    "chat-2": "STATUS",
}
STORE_POINTS = [
    f"{write}.{side}_commit" for write in ("accept", "start", "finish", "begin", "sent") for side in ("before", "after")
]
POINTS = [*STORE_POINTS, "send.before", "send.after", "prompt.after"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder for a child, with the URL of a database where it is in PostgreSQL."""
    if request.param == "postgres":
        (tmp_path / "store.url").write_text(request.getfixturevalue("url"), encoding="utf-8")
    return tmp_path


RunChild = Callable[..., Awaitable[int]]


@pytest.fixture(scope="module")
def run_child() -> Iterator[RunChild]:
    """Run a child of `crash_child.py` on a folder until it ends; return its exit status."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **inherited()}
    command = [sys.executable, "-m", "tests.supervisor.crash_child"]
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:

        def run(*arguments: str) -> int:
            assert parent.stdin is not None
            assert parent.stdout is not None
            parent.stdin.write(json.dumps(arguments) + "\n")
            parent.stdin.flush()
            return int(parent.stdout.readline())

        async def run_in_thread(folder: Path, *arguments: str) -> int:
            code = await asyncio.to_thread(run, str(folder), *arguments)
            assert code in (0, KILLED), (folder / "child.log").read_text(errors="replace")[-4000:]
            if url := url_of(folder):
                await asyncio.to_thread(wait_until_left, url)
            return code

        yield run_in_thread


async def restart(folder: Path) -> None:
    """Do what a child does that nobody kills, in this process."""
    await work(folder, Killer("", 1))


async def check_promises(folder: Path) -> dict[str, Result]:
    """Check what must hold after any number of crashes; return the messages by key."""
    accepted = dict(line.split() for line in (folder / "accepted.log").read_text(encoding="utf-8").splitlines())
    assert set(accepted) == set(SCRIPT), "P1: everything was acknowledged in the end"
    store = await open_database(url_of(folder), folder / "xswarm.db")
    try:
        assert await store.check() == [], "P6: the sums agree, and the database is sound"
        assert await store.audit.verify() is None
        results: dict[str, Result] = {}
        for key, message_id in accepted.items():
            found = await store.turns.result(message_id)  # type: ignore[arg-type]
            assert found is not None, "P1: what was acknowledged is there"
            assert found.turn.state.final, "P4: it has ended"
            results[key] = found
        sessions = await store.sessions.list(active_only=False)
        assert sum(session.message_count for session in sessions) == 4, "P2: each message is there once"
        (chat,) = (session for session in sessions if session.is_chat)
        assert await store.chats.count(chat.id) == 4, "both messages of the chat are answered there"
    finally:
        await store.close()
    taken = [json.loads(line) for line in (folder / "provider.log").read_text(encoding="utf-8").splitlines()]
    # That a message waits in line is no answer to it.
    told = Counter(message_id for _, message_id, text in taken if not text.startswith("Queued: "))
    by_text = {key: message_id for key, message_id in accepted.items() if not key.startswith("chat")}
    assert told == Counter(by_text.values()), "P4, P7: each message was answered exactly once"
    texts = {message_id: text for _, message_id, text in taken}
    done = folder / "claude.log"  # not there where each prompt was cut off before its tool had done anything
    effects = Counter(done.read_text(encoding="utf-8").split() if done.exists() else ())
    assert all(count == 1 for count in effects.values()), "P5: no turn with tools ran twice"
    for key, found in results.items():
        text = texts.get(accepted[key], "")
        if found.turn.state is TurnState.INTERRUPTED:
            assert found.turn.target is Target.CLAUDE_CODE, "an assistant's turn runs again"
            assert "was interrupted" in text
            assert "the daemon was restarted while it ran" in text
            assert "not run again" in text
            had_run = effects[accepted[key]] == 1
            assert (f"Bash {found.turn.text}" in text) <= had_run
        elif found.turn.state is TurnState.FAILED:
            cut = sum(other.turn.state is TurnState.INTERRUPTED for other in results.values())
            assert cut >= MAX_INTERRUPTIONS, (
                "only a session that keeps being interrupted does not start again by itself"
            )
            assert "its session does not start again by itself" in text
        else:
            assert found.turn.state is TurnState.COMPLETED
    return results


@pytest.mark.parametrize("point", POINTS)
async def test_a_crash_loses_nothing_and_doubles_nothing(run_child: RunChild, folder: Path, point: str) -> None:
    (folder / "script.json").write_text(json.dumps(SCRIPT), encoding="utf-8")
    assert await run_child(folder, point, "2") == KILLED, f"{point} was never reached"
    await restart(folder)
    await check_promises(folder)


async def test_crashes_at_one_point_after_another_lose_nothing_and_double_nothing(
    run_child: RunChild, folder: Path
) -> None:
    (folder / "script.json").write_text(json.dumps(SCRIPT), encoding="utf-8")
    killed = 0
    for point in POINTS:
        killed += await run_child(folder, point, "1") == KILLED
    assert killed >= 5
    await restart(folder)
    await check_promises(folder)


async def test_a_person_is_told_which_tools_had_started(run_child: RunChild, folder: Path) -> None:
    (folder / "script.json").write_text(json.dumps(SCRIPT), encoding="utf-8")
    assert await run_child(folder, "finish.before_commit", "1") == KILLED
    await restart(folder)
    results = await check_promises(folder)
    interrupted = [found for found in results.values() if found.turn.state is TurnState.INTERRUPTED]
    taken = (folder_texts(folder)[found.turn.message_id] for found in interrupted)
    assert all(f"Bash {found.turn.text}" in text for found, text in zip(interrupted, taken, strict=True))


@pytest.mark.parametrize(
    ("script", "point", "count"),
    [
        ({"chat-1": "hold on", "edit-2": "in other words"}, "accept.after_commit", 2),
        ({"chat-1": "hold on", "chat-2": "and then", "edit-3": "in other words"}, "accept.after_commit", 3),
        ({"chat-1": "hold on", "interrupt-2": "in other words"}, "accept.after_commit", 2),
        ({"chat-1": "deaf to it", "stop-2": ""}, "stop.after", 1),
        ({"chat-1": "deaf to it", "delete-2": ""}, "delete.after", 1),
    ],
)
async def test_what_was_replaced_or_stopped_does_not_run_again(
    run_child: RunChild, folder: Path, script: Mapping[str, str], point: str, count: int
) -> None:
    (folder / "script.json").write_text(json.dumps(script), encoding="utf-8")
    assert await run_child(folder, point, str(count)) == KILLED, f"{point} was never reached"
    first = Path(folder / "accepted.log").read_text(encoding="utf-8").split()[1]
    connector = ScriptedConnector()
    async with Core(folder, url=url_of(folder), assistant=connector) as core:
        await until(core.all_answered, "everything has ended")
        assert (await result(core, MessageId(first))).turn.state is TurnState.CANCELLED
        says_more = [text for text in script.values() if text == "in other words"]
        assert [text for _, text in connector.prompts] == says_more, "only what was written last is answered"
        states = {one.turn.state for one in await every_result(core)}
        assert states == {TurnState.CANCELLED} | ({TurnState.COMPLETED} if says_more else set())
        assert await core.store.check() == []


async def every_result(core: Core) -> list[Result]:
    """Return what became of every message."""
    found = await core.store._database.read(lambda reading: reading.execute("SELECT message_id FROM inbox").fetchall())
    return [await result(core, message_id) for (message_id,) in found]


def folder_texts(folder: Path) -> dict[str, str]:
    """Return what each message was told."""
    lines = (folder / "provider.log").read_text(encoding="utf-8").splitlines()
    return {message_id: text for _, message_id, text in map(json.loads, lines)}
