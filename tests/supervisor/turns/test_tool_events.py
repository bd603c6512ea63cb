"""Tool calls are kept with their turn, and a store that refuses one holds up nobody."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from supervisor.protocol.conversation import ToolFinished, ToolStarted
from supervisor.protocol.messages import ProjectName
from supervisor.store import open_store
from supervisor.turns.lanes.lane import Lane
from supervisor.turns.lanes.name import LaneName
from supervisor.turns.tool_events import ToolEvents
from tests.supervisor.store.builders import prompt, running, seal, with_session

STARTED = ToolStarted(tool_use_id="t1", name="Bash", input={"command": "make"})
FINISHED = ToolFinished(tool_use_id="t1", failed=True, result="no rule")


async def test_start_and_end_are_kept_in_a_few_words_without_the_output(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "xswarm.db", seal=seal)
    try:
        await with_session(store)
        turn = await running(store, prompt())
        lane = Lane(LaneName("s1"), ProjectName("shop"))
        record = ToolEvents(store.turns, store.tool_calls).recorder(lane)
        record(turn.id, STARTED)
        await asyncio.gather(*lane.writes)
        record(turn.id, FINISHED)
        await asyncio.gather(*lane.writes)
        assert await store.turns.events(turn.id) == [
            ("tool_started", {"id": "t1", "summary": "Bash make"}),
            ("tool_finished", {"id": "t1", "failed": True}),
        ]
        assert lane.writes == set()
    finally:
        await store.close()


async def test_a_store_that_refuses_is_logged_and_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = await open_store(tmp_path / "xswarm.db", seal=seal)
    await store.close()
    lane = Lane(LaneName("s1"), ProjectName("shop"))
    with caplog.at_level(logging.ERROR):
        ToolEvents(store.turns, store.tool_calls).recorder(lane)(7, STARTED)
        await asyncio.gather(*lane.writes)
    assert "turn 7: a tool event could not be stored" in caplog.text
