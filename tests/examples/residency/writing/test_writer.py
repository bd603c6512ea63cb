"""A write needs its preview, at the same version; what others do is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from examples.residency.data.edits import Edit
from examples.residency.data.journal import Actor, Journal, StaleVersionError
from examples.residency.data.presence import Presence
from examples.residency.data.previews import Previews
from examples.residency.data.reading import Reader
from examples.residency.writing.writer import NotShownError, UnknownPreviewError, Writer
from tests.examples.residency.small import BOB, stored, work

ALICE, CARL = Actor(id="alice", name="Alice", chat="1"), Actor(id="carl", name="Carl", chat="2")
MON = work(0, 7, 8)
GIVE = (Edit(MON, replace(MON, person_id=BOB)),)


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    database, _ = stored(tmp_path, MON)
    return Writer(Reader(database), Journal(database), Previews(database), Presence(database))


def test_a_preview_changes_nothing_and_its_write_does(writer: Writer) -> None:
    roster = writer.at(1)
    shown = writer.preview(roster, GIVE, tool="execute_swap", doing="previewing a swap", actor=ALICE)
    assert (shown.version, shown.edits, shown.others) == (1, GIVE, ())
    assert writer.at(1).shifts == roster.shifts
    change = writer.write(roster, GIVE, tool="execute_swap", doing="swapping", actor=CARL)
    assert change.version == 2
    assert writer.at(2).shifts[BOB] == (GIVE[0].after,)


def test_what_was_not_shown_is_not_written(writer: Writer) -> None:
    roster = writer.at(1)
    writer.preview(roster, GIVE, tool="execute_swap", doing="previewing a swap", actor=ALICE)
    with pytest.raises(NotShownError):
        writer.write(roster, (Edit(MON, None),), tool="apply_changes", doing="changing", actor=ALICE)
    assert writer.at(1).by_id[MON.id] == MON


def test_a_preview_of_an_older_version_does_not_count(writer: Writer) -> None:
    roster = writer.at(1)
    remove, add = (Edit(MON, None),), (Edit(None, work(3, 7, 8)),)
    for edits in (remove, add):
        writer.preview(roster, edits, tool="apply_changes", doing="previewing", actor=ALICE)
    writer.write(roster, add, tool="apply_changes", doing="changing", actor=CARL)
    with pytest.raises(StaleVersionError) as caught:
        writer.at(1)
    assert [change.actor for change in caught.value.since] == ["carl"]
    with pytest.raises(StaleVersionError):
        writer.write(roster, remove, tool="apply_changes", doing="changing", actor=ALICE)
    with pytest.raises(NotShownError):
        writer.write(writer.at(2), remove, tool="apply_changes", doing="changing", actor=ALICE)


def test_a_preview_tells_who_else_works_on_the_schedule(writer: Writer) -> None:
    writer.preview(writer.at(1), GIVE, tool="execute_swap", doing="previewing a swap", actor=ALICE)
    shown = writer.preview(writer.at(1), GIVE, tool="execute_swap", doing="previewing a swap", actor=CARL)
    assert [(one.actor, one.doing) for one in shown.others] == [("alice", "previewing a swap")]


def test_a_preview_is_found_by_its_id(writer: Writer) -> None:
    shown = writer.preview(writer.at(1), GIVE, tool="execute_swap", doing="previewing a swap", actor=ALICE)
    assert writer.shown(shown.preview_id).edits == GIVE
    with pytest.raises(UnknownPreviewError):
        writer.shown("p-nothing")


def test_a_write_is_rolled_back_by_its_id(writer: Writer) -> None:
    writer.preview(writer.at(1), GIVE, tool="execute_swap", doing="previewing a swap", actor=ALICE)
    change = writer.write(writer.at(1), GIVE, tool="execute_swap", doing="swapping", actor=ALICE)
    made, back = writer.roll_back(change.id, version=2, actor=CARL)
    assert (back.id, made.rolls_back, made.summary) == (change.id, change.id, f"took back: {change.summary}")
    assert writer.at(3).by_id[MON.id] == MON
