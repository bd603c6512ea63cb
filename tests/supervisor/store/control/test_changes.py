"""Rows about what turns changed: begun once under an epoch, ended in T3, taken back and again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from supervisor.protocol.messages import MessageId, SessionId, UserId
from supervisor.store import SqliteStore, open_store
from supervisor.store.ports.changes import ChangedTurn
from supervisor.store.records.changes import FileOperation, Recorded
from tests.supervisor.store.builders import NOW, outcome, prompt, running, seal, with_session

BEFORE, AFTER = "b" * 40, "a" * 40
WRITTEN = FileOperation(path="a.txt", tool="Write", status="added", before_hash=None, after_hash="c" * 40)
FOLDERS = [
    ("/srv/shop", "/srv/shop/api", True),
    ("/srv/shop", "/srv/shop/api/v2", True),
    ("/", "/srv/shop", True),
    ("/srv/Läden/ß", "/srv/Läden", True),
    ("/srv/shop", "/srv/shop-2", False),
    ("/srv/shop", "/srv/other", False),
    ("/srv/shop", "/srv/other/srv/shop", False),
    ("/srv/%", "/srv/shop/api", False),
    ("/srv/sh_p", "/srv/shop/api", False),
    ("/srv/sh*", "/srv/shop/api", False),
    ("/srv/shop", "/SRV/shop/api", False),
]
"""Pairs of folders, and whether the one lies in the other."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A store, open."""
    store = await open_store(tmp_path / "x.db", seal=seal)
    yield store
    await store.close()


async def changed(
    store: SqliteStore, *, began: int = NOW, ended: int = NOW + 10, seen: int = 0, folder: str = "/srv/shop"
) -> ChangedTurn:
    """Let a turn begin and end that changes a file."""
    await with_session(store)
    turn = await running(store, prompt())
    assert await store.changes.began(turn.id, folder, BEFORE, "", now_ms=began)
    recorded = Recorded(after_commit=AFTER, seen_ms=seen, operations=[WRITTEN])
    end = replace(outcome(), recorded=recorded, files_changed=1, now_ms=ended)
    assert await store.turns.finish(turn.id, end) is not None
    found = await store.changes.of_turn(turn.id)
    assert found is not None
    return found


async def test_a_turn_is_recorded_once_while_it_runs_and_ended_with_it(store: SqliteStore) -> None:
    turn = await changed(store)
    assert (turn.before_commit, turn.after_commit, turn.files, turn.undone) == (BEFORE, AFTER, 1, False)
    assert (turn.before_ms, turn.after_ms) == (NOW, NOW + 10)
    assert not await store.changes.began(turn.turn_id, "/srv/shop", AFTER, "", now_ms=NOW)  # it runs no more
    assert await store.changes.of_message(turn.message_id) == turn
    assert await store.changes.last_of_session(SessionId("s1")) == turn
    assert await store.changes.last_of_user(UserId("alice")) == turn
    assert await store.changes.last_of_user(UserId("bob")) is None
    (operation,) = await store.changes.operations(session_id=SessionId("s1"), limit=9)
    assert (operation.path, operation.tool, operation.at_ms) == ("a.txt", "Write", NOW + 10)
    assert await store.changes.operations(user_id=UserId("bob"), limit=9) == []
    assert await store.changes.operations(message_id=MessageId("other"), limit=9) == []


async def test_a_turn_of_another_epoch_is_not_recorded(store: SqliteStore, tmp_path: Path) -> None:
    await with_session(store)
    turn = await running(store, prompt())
    later = await open_store(tmp_path / "x.db", seal=seal)
    assert not await later.changes.began(turn.id, "/srv/shop", BEFORE, "", now_ms=NOW)
    await later.close()


async def test_an_undo_is_kept_and_taken_back_in_the_audit_trail_too(store: SqliteStore) -> None:
    turn = await changed(store)
    await store.changes.undone(turn.turn_id, "alice", "d" * 40, "e" * 40, now_ms=NOW + 20)
    found = await store.changes.of_turn(turn.turn_id)
    assert found is not None
    assert (found.undone, found.undo_before, found.undo_after) == (True, "d" * 40, "e" * 40)
    assert await store.changes.last_of_user(UserId("alice")) is None
    assert await store.changes.last_of_session(SessionId("s1")) == found
    kept = await store.changes.kept(since_ms=NOW)
    assert kept == {"/srv/shop": {BEFORE, AFTER, "d" * 40, "e" * 40}}
    assert await store.changes.kept(since_ms=NOW + 1) == {}
    await store.changes.redone(turn.turn_id, "alice", now_ms=NOW + 30)
    assert await store.changes.of_turn(turn.turn_id) == turn
    assert await store.audit.verify() is None


@pytest.mark.parametrize(
    ("began", "ended", "overlaps"), [(20, 30, False), (5, 8, True), (8, 30, True), (-9, 5, True), (-9, 30, True)]
)
async def test_turns_overlap_where_their_times_do(store: SqliteStore, began: int, ended: int, overlaps: bool) -> None:
    turn = await changed(store)
    other = await changed(store, began=NOW + began, ended=NOW + ended)
    assert await store.changes.overlapped(turn) is overlaps
    assert await store.changes.overlapped(other) is overlaps


async def test_a_turn_that_begins_before_the_last_look_at_the_folder_overlaps(store: SqliteStore) -> None:
    turn = await changed(store, seen=NOW + 30)
    assert turn.after_ms == NOW + 30
    assert await store.changes.overlapped(await changed(store, began=NOW + 20, ended=NOW + 40))
    assert await store.changes.overlapped(turn)


async def test_a_turn_that_ended_without_a_last_look_overlaps_no_later_one(store: SqliteStore) -> None:
    await with_session(store)
    cut_off = await running(store, prompt())
    assert await store.changes.began(cut_off.id, "/srv/shop", BEFORE, "", now_ms=NOW)
    assert await store.turns.finish(cut_off.id, replace(outcome(), recorded=None, now_ms=NOW + 5)) is not None
    assert not await store.changes.overlapped(await changed(store, began=NOW + 6, ended=NOW + 9))
    assert await store.changes.overlapped(await changed(store, began=NOW + 4, ended=NOW + 9))


async def test_a_turn_that_runs_again_is_recorded_again(store: SqliteStore) -> None:
    await with_session(store)
    turn = await running(store, prompt())
    assert await store.changes.began(turn.id, "/srv/shop", BEFORE, "", now_ms=NOW)
    assert await store.turns.requeue(turn.id, now_ms=NOW + 1)
    assert await store.changes.of_turn(turn.id) is None


@pytest.mark.parametrize(("one", "other", "related"), FOLDERS)
async def test_turns_overlap_where_the_one_folder_lies_in_the_other(
    store: SqliteStore, one: str, other: str, related: bool
) -> None:
    first, second = await changed(store, folder=one), await changed(store, folder=other)
    assert await store.changes.overlapped(first) is related
    assert await store.changes.overlapped(second) is related


@pytest.mark.parametrize(("one", "other", "related"), FOLDERS)
async def test_a_turn_that_runs_keeps_its_folder_busy_and_those_in_it_and_around_it(
    store: SqliteStore, one: str, other: str, related: bool
) -> None:
    number = count(1)
    for folder, asked_about in ((one, other), (other, one)):
        session_id = f"s{next(number)}"
        await with_session(store, session_id, project_path=folder)
        turn = await running(store, prompt(session_id))
        assert await store.changes.busy(folder)
        assert await store.changes.busy(asked_about) is related
        await store.turns.finish(turn.id, outcome())
        assert not await store.changes.busy(folder)
        assert not await store.changes.busy(asked_about)


@pytest.mark.parametrize("exclusive", [True, False])
async def test_turns_that_run_alone_in_their_project_can_be_asked_for(store: SqliteStore, exclusive: bool) -> None:
    await with_session(store)
    await running(store, prompt(exclusive=exclusive))
    assert await store.changes.busy("/srv/shop")
    assert await store.changes.busy("/srv/shop", exclusive=True) is exclusive


async def test_the_last_turn_is_one_of_the_conversation_that_was_used_last(store: SqliteStore) -> None:
    first = await changed(store)
    assert await store.changes.last_of_user(UserId("alice"), since_ms=NOW) == first
    assert await store.changes.last_of_user(UserId("alice"), since_ms=NOW + 1) is None
    assert await store.changes.last_of_session(SessionId("s1"), since_ms=NOW + 1) is None
