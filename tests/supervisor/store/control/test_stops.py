"""What somebody has stopped or replaced is known as such, whatever becomes of the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.protocol.status import TurnState
from supervisor.store import SqliteStore, open_store
from supervisor.store.records.acceptance import Superseding
from tests.supervisor.store.builders import NOW, outcome, seal
from tests.supervisor.store.contract_chats import ALICE, C1, open_chat, written


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A store, open."""
    opened = await open_store(tmp_path / "xswarm.db", seal=seal)
    yield opened
    await opened.close()


async def test_an_edited_message_stops_what_had_not_ended_of_what_it_replaces(store: SqliteStore) -> None:
    await open_chat(store)
    first = await store.turns.accept(written("one", start=True))
    second = await store.turns.accept(written("two"))
    assert first.started is not None
    assert not await store.turns.is_stopped(first.started.id)
    edited = written("better", supersedes=Superseding(first=first.started.id, why="it was replaced"))
    replaced = (await store.turns.accept(edited)).replaced
    assert [(turn.message_id, turn.state) for turn in replaced] == [
        (first.message_id, TurnState.RUNNING),
        (second.message_id, TurnState.PENDING),
    ]
    assert await store.turns.is_stopped(first.started.id)
    waited = await store.turns.result(second.message_id)
    assert waited is not None
    assert (waited.turn.state, waited.why) == (TurnState.CANCELLED, "it was replaced")


async def test_a_turn_that_was_stopped_is_known_as_such(store: SqliteStore) -> None:
    await open_chat(store)
    one = (await store.turns.accept(written("one", start=True))).started
    assert one is not None
    await store.turns.accept(written("two", stops=True))
    assert await store.turns.is_stopped(one.id)
    await store.turns.finish(one.id, outcome())
    two = await store.turns.start_next(C1, None, now_ms=NOW)
    assert two is not None
    assert not await store.turns.is_stopped(two.id)
    await store.turns.record_stop(two.id, ALICE, now_ms=NOW)
    assert await store.turns.is_stopped(two.id)
    await store.turns.finish(two.id, outcome())
    three = (await store.turns.accept(written("three", start=True))).started
    assert three is not None
    await store.chats.delete(C1, by=ALICE, now_ms=NOW)
    assert await store.turns.is_stopped(three.id)
