"""Tool calls are kept with their turn, in order, also what the database refuses for a while."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from supervisor.protocol.conversation import ToolFinished, ToolStarted
from supervisor.protocol.errors import StorageError
from supervisor.store import SqliteStore, open_store
from supervisor.store.records.turn import Turn
from supervisor.turns.running.tool_events import ToolEvents
from tests.slowness import scaled
from tests.supervisor.store.builders import prompt, running, seal, with_session
from tests.waiting import until

STARTED = ToolStarted(tool_use_id="t1", name="Bash", input={"command": "make"})
FINISHED = ToolFinished(tool_use_id="t1", failed=True, result="no rule")
KEPT = [("tool_started", {"id": "t1", "summary": "Bash make"}), ("tool_finished", {"id": "t1", "failed": True})]
WAIT = "its tool events wait for the database: Storage failed: PostgreSQL does not answer"


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An open store."""
    store = await open_store(tmp_path / "xswarm.db", seal=seal)
    try:
        yield store
    finally:
        await store.close()


@pytest_asyncio.fixture
async def turn(store: SqliteStore) -> Turn:
    """A turn that runs."""
    await with_session(store)
    return await running(store, prompt())


class Outage:
    """Lets a store refuse tool events until it is `over`.

    Attributes:
        refused: how many it has refused.
    """

    def __init__(self, store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.over = False
        self.refused = 0
        record_event = store.turns.record_event

        async def recording(*args: Any, **more: Any) -> None:
            if not self.over:
                self.refused += 1
                raise StorageError("PostgreSQL does not answer")
            await record_event(*args, **more)

        monkeypatch.setattr(store.turns, "record_event", recording)


@pytest.fixture
def outage(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> Outage:
    """An outage that lasts until a test ends it."""
    return Outage(store, monkeypatch)


async def test_start_and_end_are_kept_in_a_few_words_without_the_output(store: SqliteStore, turn: Turn) -> None:
    tools = ToolEvents(store.turns, store.tool_calls)
    record = tools.recorder()
    record(turn.id, STARTED)
    record(turn.id, FINISHED)

    async def kept() -> bool:
        return await store.turns.events(turn.id) == KEPT

    await until(kept, "they are kept, and nobody waits for it")


async def test_the_end_of_a_turn_waits_for_its_events(store: SqliteStore, turn: Turn) -> None:
    tools = ToolEvents(store.turns, store.tool_calls)
    record = tools.recorder(whole=True)
    record(turn.id, STARTED)
    record(turn.id, FINISHED)
    await tools.store(turn.id)
    assert await store.turns.events(turn.id) == KEPT
    (call,) = (await store.tool_calls.of_turns([turn.id]))[turn.id]
    assert (call.name, call.result, call.failed) == ("Bash", "no rule", True)


async def test_what_an_outage_refuses_is_stored_after_it_in_order(
    store: SqliteStore, turn: Turn, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    record = ToolEvents(store.turns, store.tool_calls).recorder(whole=True)
    record(turn.id, STARTED)
    await until(lambda: outage.refused > 1, "it is refused, and tried again")
    record(turn.id, FINISHED)
    assert await store.turns.events(turn.id) == []
    outage.over = True

    async def kept() -> bool:
        found = (await store.tool_calls.of_turns([turn.id])).get(turn.id)
        return found is not None and found[0].ended_ms is not None

    await until(kept, "they are kept without an event more")
    assert await store.turns.events(turn.id) == KEPT
    told = [record.getMessage() for record in caplog.records if "tool event" in record.getMessage()]
    assert told == [f"turn {turn.id}: {WAIT}", f"turn {turn.id}: its tool events wait no longer"]


async def test_the_end_of_a_turn_stores_what_waits_or_is_refused_as_well(
    store: SqliteStore, turn: Turn, outage: Outage
) -> None:
    tools = ToolEvents(store.turns, store.tool_calls)
    record = tools.recorder()
    record(turn.id, STARTED)
    record(turn.id, FINISHED)
    with pytest.raises(StorageError):
        await tools.store(turn.id)
    outage.over = True
    await tools.store(turn.id)
    assert await store.turns.events(turn.id) == KEPT


async def test_so_many_are_kept_and_the_rest_is_told(
    store: SqliteStore, turn: Turn, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    tools = ToolEvents(store.turns, store.tool_calls, most_kept=3)
    record = tools.recorder()
    for number in range(5):
        record(turn.id, ToolStarted(tool_use_id=f"t{number}", name="Bash", input={}))
    with pytest.raises(StorageError):
        await tools.store(turn.id)
    outage.over = True
    await tools.store(turn.id)
    assert [payload["id"] for _, payload in await store.turns.events(turn.id)] == ["t0", "t1", "t2"]
    assert f"turn {turn.id}: 2 tool events were given up" in caplog.text


async def test_what_is_left_when_a_turn_has_ended_is_given_up(
    store: SqliteStore, turn: Turn, outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    tools = ToolEvents(store.turns, store.tool_calls)
    record = tools.recorder()
    record(turn.id, STARTED)
    record(turn.id, FINISHED)
    await until(lambda: outage.refused, "they are refused")
    tools.ended(turn.id)
    assert f"turn {turn.id}: 2 tool events were given up" in caplog.text
    await tools.store(turn.id)
    refused = outage.refused
    record(turn.id, FINISHED)  # too late
    await until(lambda: not tools._backlogs, "nothing tries it any more")
    assert outage.refused <= refused + 1


async def test_what_no_later_attempt_can_store_is_told_and_holds_up_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = await open_store(tmp_path / "xswarm.db", seal=seal)
    await store.close()
    tools = ToolEvents(store.turns, store.tool_calls)
    tools.recorder()(7, STARTED)
    await tools.store(7)
    assert "turn 7: a tool event could not be stored" in caplog.text


class Counted:
    """Lets the tool events of a store end only once several are on their way.

    Attributes:
        begun: how many were begun.
        refusing: the calls whose events are refused.
    """

    def __init__(self, store: SqliteStore, monkeypatch: pytest.MonkeyPatch, *, several: int) -> None:
        self.begun = 0
        self.refusing: set[str] = set()
        record_event = store.turns.record_event

        async def recording(turn_id: int, kind: str, payload: dict[str, Any], *, now_ms: int) -> None:
            self.begun += 1
            if payload["id"] in self.refusing:
                raise StorageError("PostgreSQL does not answer")
            await asyncio.sleep(0)  # those that are begun together go on in their order
            while self.begun < several:
                await asyncio.sleep(0)
            await record_event(turn_id, kind, payload, now_ms=now_ms)

        monkeypatch.setattr(store.turns, "record_event", recording)


def started(number: int) -> ToolStarted:
    """Return the start of a call."""
    return ToolStarted(tool_use_id=f"t{number}", name="Bash", input={})


async def ids(store: SqliteStore, turn: Turn) -> list[str]:
    """Return the calls whose events are kept, in order."""
    return [payload["id"] for _, payload in await store.turns.events(turn.id)]


async def test_events_that_wait_are_stored_together_in_order(
    store: SqliteStore, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    Counted(store, monkeypatch, several=40)
    tools = ToolEvents(store.turns, store.tool_calls)
    for number in range(60):
        tools.recorder()(turn.id, started(number))
    await asyncio.wait_for(tools.store(turn.id), scaled(8))
    assert await ids(store, turn) == [f"t{number}" for number in range(60)]


async def test_of_those_stored_together_only_what_was_refused_is_stored_again(
    store: SqliteStore, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(store, monkeypatch, several=4)
    counted.refusing = {"t1", "t3"}
    tools = ToolEvents(store.turns, store.tool_calls)
    for number in range(4):
        tools.recorder()(turn.id, started(number))
    with pytest.raises(StorageError):
        await asyncio.wait_for(tools.store(turn.id), scaled(8))
    counted.refusing.clear()
    await tools.store(turn.id)
    assert await ids(store, turn) == ["t0", "t2", "t1", "t3"]


async def test_what_was_begun_by_a_caller_that_is_cancelled_is_not_stored_twice(
    store: SqliteStore, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(store, monkeypatch, several=3)
    tools = ToolEvents(store.turns, store.tool_calls)
    for number in range(2):
        tools.recorder()(turn.id, started(number))
    recording = tools._backlogs[turn.id].task
    assert recording is not None
    caller = asyncio.create_task(tools.store(turn.id))
    await until(lambda: counted.begun == 2, "they are on their way")
    for task in (caller, recording):
        task.cancel()
    await asyncio.wait((caller, recording))
    ending = asyncio.create_task(tools.store(turn.id))
    await store.turns.record_event(turn.id, "tool_started", {"id": "another"}, now_ms=1)  # the third that is begun
    await asyncio.wait_for(ending, scaled(8))
    assert sorted(await ids(store, turn)) == ["another", "t0", "t1"]
