"""What is read is what was written, and it is read again only when it has changed."""

from __future__ import annotations

from pathlib import Path

from examples.residency.data.edits import Edit
from examples.residency.data.journal import Actor, Journal
from examples.residency.data.reading import Reader
from tests.examples.residency.small import ANN, CALL, database, leave, need, records, roster, work

ALICE = Actor(id="alice", name="Alice")


def test_everything_that_was_written_is_read(tmp_path: Path) -> None:
    given = {"absences": [leave(1, 2)], "needs": [need(7, 11, 3, level=2)]}
    shifts = (work(0, 7, 8), work(3, 7, 24, CALL))
    read = Reader(database(tmp_path, records(*shifts, **given))).roster()  # type: ignore[arg-type]
    expected = roster(*shifts, **given)  # type: ignore[arg-type]
    assert read.shifts == expected.shifts
    assert read.by_id == expected.by_id
    assert (read.programme, read.people, read.rotations) == (expected.programme, expected.people, expected.rotations)
    assert (read.needs, read.assignments, read.absences) == (expected.needs, expected.assignments, expected.absences)
    assert read.version == 1


def test_a_version_is_read_once_and_a_change_is_seen(tmp_path: Path) -> None:
    opened = database(tmp_path, records(work(0, 7, 8)))
    reader = Reader(opened)
    before = reader.roster()
    assert reader.roster() is before
    Journal(opened).write([Edit(work(0, 7, 8), None)], version=1, tool="t", summary="s", actor=ALICE)
    after = reader.roster()
    assert (after.version, after.shifts[ANN]) == (2, ())


def test_a_file_that_is_whole_is_called_ok(tmp_path: Path) -> None:
    assert Reader(database(tmp_path, records())).is_whole() == "ok"
