"""A plan mends what is wrong; without one the rules that clash are named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from examples.residency.analysis.conflicts import detect
from examples.residency.data.database import Database, create
from examples.residency.data.reading import Reader
from examples.residency.planning.plan import ClashError, plan
from examples.residency.planning.solver import is_installed
from examples.residency.rules.check import check_all
from examples.residency.seed.year import make
from tests.examples.residency.small import ANN, BOB, CALL, FIRST, leave, need, programme, roster, work

pytestmark = pytest.mark.skipif(not is_installed(), reason="OR-Tools is not installed: make solver")


def test_a_block_of_the_demo_is_mended_with_few_changes(tmp_path: Path) -> None:
    today = date(2026, 11, 30).toordinal()
    create(tmp_path / "schedule.db", make(7, today))
    year = Reader(Database(tmp_path / "schedule.db")).roster()
    last = today + 27
    assert check_all(year, today, last, rolling=False)
    assert detect(year, today, last)
    found = plan(year, today, last, keep=True)
    after = year.with_edits(found.edits)
    assert check_all(after, today, last, rolling=False) == []
    assert detect(after, today, last) == []
    assert found.moved <= 12
    assert found.is_best
    assert plan(year, today, last, keep=True) == found


def test_a_plan_keeps_shifts_and_their_ids_where_it_can() -> None:
    shifts = [work(day, 7, 11) for day in range(3)]
    of = roster(*shifts, absences=[leave(2, 2)], needs=[need(7, 11, 1)], of=programme(28))
    found = plan(of, FIRST, FIRST + 2, keep=True)
    (edit,) = found.edits
    assert edit.before == shifts[2]
    assert edit.after is not None
    assert edit.after.person_id != ANN
    assert edit.after.id == shifts[2].id


def test_calls_are_shared_evenly_where_nothing_is_to_be_kept() -> None:
    calls = [work(day, 7, 24, CALL, person=BOB) for day in (0, 2, 4)]
    of = roster(*calls, needs=[need(7, 24, 1, kind=CALL)], of=programme(28))
    after = of.with_edits(plan(of, FIRST, FIRST + 5, keep=False).edits)
    assert sorted(sum(shift.kind is CALL for shift in shifts) for shifts in after.shifts.values()) == [2, 2, 2]


def test_rules_that_clash_are_named_and_no_others() -> None:
    of = roster(needs=[need(7, 16, 1, level=3)], of=programme(28))
    with pytest.raises(ClashError) as caught:
        plan(of, FIRST, FIRST + 27, keep=True)
    assert set(caught.value.rules) == {"coverage", "weekly_hours"}


def test_where_there_are_too_few_people_only_that_is_named() -> None:
    of = roster(needs=[need(7, 24, 2, kind=CALL)], of=programme(28))
    with pytest.raises(ClashError) as caught:
        plan(of, FIRST, FIRST + 5, keep=True)
    assert caught.value.rules == ("coverage",)
