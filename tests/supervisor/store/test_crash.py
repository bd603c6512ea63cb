"""SIGKILL at every crash point, and at random, on both engines: what was acknowledged is there, nothing half done."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import IO

import pytest

from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import OutboxState, TurnState
from supervisor.store import Store
from tests.postgres_server import wait_until_left
from tests.slowness import scaled
from tests.supervisor.store.builders import NOW, prompt
from tests.supervisor.store.crashing import opened
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("XSWARM_KILLS", "5"))


def start_child(*arguments: str, output: IO[bytes] | int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start the writing process."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.supervisor.store.crashing", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=output,
    )


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A file, or the URL of a database."""
    return str(tmp_path / "x.sqlite3" if request.param == "sqlite" else request.getfixturevalue("url"))


async def reopened(place: str) -> Store:
    """Open the store after a kill."""
    if place.startswith("postgresql:"):
        await asyncio.to_thread(wait_until_left, place)
    return await opened(place)


@pytest.mark.parametrize(
    ("point", "turn_state", "reply_state"),
    [
        ("accept.before_commit", None, None),
        ("accept.after_commit", TurnState.PENDING, None),
        ("start.before_commit", TurnState.PENDING, None),
        ("start.after_commit", TurnState.RUNNING, None),
        ("finish.before_commit", TurnState.RUNNING, None),
        ("finish.after_commit", TurnState.COMPLETED, OutboxState.PENDING),
        ("begin.before_commit", TurnState.COMPLETED, OutboxState.PENDING),
        ("begin.after_commit", TurnState.COMPLETED, OutboxState.SENDING),
        ("sent.before_commit", TurnState.COMPLETED, OutboxState.SENDING),
        ("sent.after_commit", TurnState.COMPLETED, OutboxState.SENT),
    ],
)
async def test_a_kill_at_a_crash_point_leaves_a_whole_state(
    place: str, point: str, turn_state: TurnState | None, reply_state: OutboxState | None
) -> None:
    with start_child(place, point) as child:
        assert child.wait(scaled(60)) == -signal.SIGKILL
    store = await reopened(place)
    try:
        result = await store.turns.result(MessageId("m1"))
        assert (result.turn.state if result else None) == turn_state
        due = await store.outbox.due("sms", now_ms=NOW, limit=9)
        sending = await store.outbox.sending("sms")
        expected = {None: (0, 0), OutboxState.PENDING: (1, 0), OutboxState.SENDING: (0, 1), OutboxState.SENT: (0, 0)}
        assert (len(due), len(sending)) == expected[reply_state]
        assert [turn.message_id for turn in await store.turns.unfinished()] == (
            ["m1"] if turn_state is TurnState.RUNNING else []
        )
        assert (result.cost_nanos if result else 0) == (
            77 if reply_state is OutboxState.SENT else 7 if turn_state is TurnState.COMPLETED else 0
        )
        repeated = await store.turns.accept(prompt(dedup_key="SM1")) if turn_state else None
        assert repeated is None or repeated.message_id == "m1"
        assert await store.check() == []
        assert await store.audit.verify() is None
    finally:
        await store.close()


async def test_acknowledged_writes_survive_every_kill(place: str, tmp_path: Path) -> None:
    log = tmp_path / "acknowledged"
    for kill in range(KILLS):
        heard = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output, start_child(place, output=output) as child:
            wait_until(partial(_has_grown, log, heard + 2_000 + 997 * kill), "the child is in full swing", timeout=60)
            child.kill()
        # A line that the kill has cut in two acknowledges nothing.
        lines = [line.split() for line in log.read_text()[heard:].splitlines(keepends=True) if line.endswith("\n")]
        store = await reopened(place)
        try:
            for word, message_id in lines:
                result = await store.turns.result(MessageId(message_id))
                assert result is not None, f"{message_id} was lost by kill {kill}"
                if word == "finished":
                    assert (result.turn.state, result.cost_nanos) == (TurnState.COMPLETED, 7)
            assert len(await store.turns.unfinished()) <= 5 * (kill + 1)
            assert await store.check() == []
            assert await store.audit.verify() is None
        finally:
            await store.close()


def _has_grown(path: Path, least: int) -> bool:
    return path.stat().st_size > least
