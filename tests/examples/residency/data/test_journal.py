"""Writes are whole, at the version that was seen, and can be taken back."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from examples.residency.data.edits import Edit
from examples.residency.data.journal import (
    Actor,
    Change,
    Journal,
    NotReversibleError,
    StaleVersionError,
    UnknownChangeError,
    dump_edits,
    load_edits,
)
from examples.residency.data.reading import Reader
from tests.examples.residency.small import ANN, BOB, stored, work
from tests.slowness import scaled

ALICE, CARL = Actor(id="alice", name="Alice"), Actor(id="carl", name="Carl", chat="chat-1")
MON, TUE = work(0, 7, 8), work(1, 7, 8)
GIVE = Edit(MON, replace(MON, person_id=BOB))


def write(journal: Journal, *edits: Edit, version: int, actor: Actor = ALICE) -> Change:
    return journal.write(edits, version=version, tool="apply_changes", summary="a change", actor=actor)


def test_a_write_counts_the_version_up_and_is_told_with_who_and_when(tmp_path: Path) -> None:
    database, _ = stored(tmp_path, MON, TUE)
    journal = Journal(database)
    change = write(journal, GIVE, Edit(TUE, None), version=1)
    assert (change.version, change.actor, change.actor_name, change.tool) == (2, "alice", "Alice", "apply_changes")
    assert change.edits == (GIVE, Edit(TUE, None))
    assert journal.changes() == [change] == [journal.change(change.id)]
    after = Reader(database).roster()
    assert (after.shifts[ANN], after.shifts[BOB]) == ((), (GIVE.after,))


def test_a_write_at_another_version_is_refused_with_what_changed_and_by_whom(tmp_path: Path) -> None:
    database, _ = stored(tmp_path, MON, TUE)
    journal = Journal(database)
    first = write(journal, GIVE, version=1)
    second = write(journal, Edit(TUE, None), version=2, actor=CARL)
    with pytest.raises(StaleVersionError) as caught:
        write(journal, Edit(None, work(5, 7, 8)), version=1)
    assert (caught.value.seen, caught.value.current, caught.value.since) == (1, 3, (first, second))
    assert [change.actor for change in caught.value.since] == ["alice", "carl"]
    with pytest.raises(StaleVersionError):
        write(journal, Edit(None, work(5, 7, 8)), version=7)
    assert Reader(database).roster().version == 3


def test_of_two_writers_at_once_one_is_refused(tmp_path: Path) -> None:
    database, _ = stored(tmp_path, MON)
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def attempt(number: int) -> None:
        start.wait(scaled(30))
        try:
            write(Journal(database), Edit(None, work(2 + number, 7, 8)), version=1)
            outcomes.append("written")
        except StaleVersionError:
            outcomes.append("stale")

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(scaled(30))
    assert sorted(outcomes) == ["stale"] * 7 + ["written"]
    assert Reader(database).roster().version == 2


def test_a_write_is_rolled_back_whole(tmp_path: Path) -> None:
    database, before = stored(tmp_path, MON, TUE)
    journal = Journal(database)
    change = write(journal, GIVE, Edit(TUE, None), Edit(None, work(4, 7, 8)), version=1)
    back = journal.roll_back(change.id, version=2, summary="back", actor=CARL)
    assert (back.version, back.rolls_back, back.actor) == (3, change.id, "carl")
    assert journal.change(change.id).rolled_back_by == back.id
    assert Reader(database).roster().shifts == before.shifts


def test_a_rollback_can_be_rolled_back_but_nothing_twice(tmp_path: Path) -> None:
    database, _ = stored(tmp_path, MON)
    journal = Journal(database)
    change = write(journal, GIVE, version=1)
    back = journal.roll_back(change.id, version=2, summary="back", actor=ALICE)
    with pytest.raises(NotReversibleError) as caught:
        journal.roll_back(change.id, version=3, summary="back", actor=ALICE)
    assert caught.value.by == ()
    journal.roll_back(back.id, version=3, summary="forth", actor=ALICE)
    assert Reader(database).roster().shifts[BOB] == (GIVE.after,)


def test_a_change_on_which_another_builds_cannot_be_rolled_back(tmp_path: Path) -> None:
    database, _ = stored(tmp_path, MON, TUE)
    journal = Journal(database)
    change = write(journal, GIVE, version=1)
    write(journal, Edit(TUE, None), version=2)
    later = write(journal, Edit(GIVE.after, None), version=3)
    with pytest.raises(NotReversibleError) as caught:
        journal.roll_back(change.id, version=4, summary="back", actor=ALICE)
    assert caught.value.by == (later,)
    journal.roll_back(later.id, version=4, summary="back", actor=ALICE)
    journal.roll_back(change.id, version=5, summary="back", actor=ALICE)
    assert Reader(database).roster().shifts[ANN] == (MON,)


def test_a_rollback_at_another_version_or_of_nothing_is_refused(tmp_path: Path) -> None:
    database, _ = stored(tmp_path, MON)
    journal = Journal(database)
    change = write(journal, GIVE, version=1)
    with pytest.raises(StaleVersionError):
        journal.roll_back(change.id, version=1, summary="back", actor=ALICE)
    with pytest.raises(UnknownChangeError):
        journal.roll_back("c-nothing", version=2, summary="back", actor=ALICE)
    with pytest.raises(UnknownChangeError):
        journal.change("c-nothing")


def test_edits_are_kept_as_text() -> None:
    edits = (GIVE, Edit(None, TUE), Edit(TUE, None))
    assert load_edits(dump_edits(edits)) == edits
