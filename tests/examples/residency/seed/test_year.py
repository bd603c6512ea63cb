"""The made-up year: the same each time, whole, and with the faults that make it interesting."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from examples.residency.analysis.conflicts import ConflictKind, detect
from examples.residency.data.entities import Averaging, ShiftKind
from examples.residency.data.reading import Reader
from examples.residency.data.roster import Roster
from examples.residency.rules.check import check_all
from examples.residency.rules.finding import Severity
from examples.residency.rules.table import RuleId
from examples.residency.seed.year import make
from tests.examples.residency.small import database

TODAY = date(2026, 11, 30).toordinal()


def read(folder: Path, **more: object) -> Roster:
    folder.mkdir(exist_ok=True)
    return Reader(database(folder, make(7, TODAY, **more))).roster()  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Roster:
    """The year of the demo."""
    return read(tmp_path_factory.mktemp("year"))


def test_the_same_seed_and_day_give_the_same_year_and_others_another() -> None:
    assert make(7, TODAY) == make(7, TODAY)
    assert make(8, TODAY) != make(7, TODAY)
    assert make(7, TODAY + 3) == make(7, TODAY)  # another day of the same week


def test_there_are_30_people_and_a_year_of_work_around_today(year: Roster) -> None:
    programme = year.programme
    assert len(year.people) == 30
    assert programme.last - programme.first + 1 == 364
    assert programme.first + 100 < TODAY < programme.last - 100
    assert Counter(person.level for person in year.people.values()) == {1: 10, 2: 10, 3: 10}
    assert {shift.kind for shift in year.by_id.values()} == set(ShiftKind)
    assert all(len(year.assignments[person]) == 13 for person in year.people)
    assert sum(len(year.absences[person]) for person in year.people) > 90


def test_next_month_breaks_every_rule_somewhere_and_the_rest_of_the_year_few(year: Roster) -> None:
    soon = check_all(year, TODAY, TODAY + 55)
    assert {one.rule for one in soon if one.severity is not Severity.WARNING} == set(RuleId)
    violations = [
        one for one in check_all(year, year.programme.first, year.programme.last) if one.severity is Severity.VIOLATION
    ]
    assert len(violations) < 20


def test_there_is_a_conflict_of_each_kind(year: Roster) -> None:
    assert {one.kind for one in detect(year, TODAY, TODAY + 55)} == set(ConflictKind)


def test_somebody_called_smith_works_too_much_and_two_people_are_called_patel(year: Roster) -> None:
    (smith,) = [person for person in year.people.values() if person.name.endswith(" Smith")]
    found = check_all(year, TODAY, TODAY + 27)
    assert RuleId.WEEKLY_HOURS in {one.rule for one in found if one.person_id == smith.id}
    assert sum(person.name.endswith(" Patel") for person in year.people.values()) == 2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_faults_hardly_anything_is_wrong(tmp_path: Path, seed: int) -> None:
    records = make(seed, TODAY, with_faults=False, time_zone="UTC")
    clean = Reader(database(tmp_path, records)).roster()
    first, last = clean.programme.first, clean.programme.last
    violations = [one for one in check_all(clean, first, last) if one.severity is Severity.VIOLATION]
    assert len(violations) <= 6
    assert {one.rule for one in violations} <= {RuleId.FREE_DAYS}
    assert {one.kind for one in detect(clean, first, last)} <= {ConflictKind.UNDERSTAFFED}


def test_300_people_are_ten_sites(tmp_path: Path) -> None:
    records = make(7, TODAY, count=300, averaging=Averaging.ROTATION)
    assert len(records.people) == 300
    assert len(records.rotations) == 70
    assert 9 < len(records.shifts) / len(make(7, TODAY).shifts) < 11
    with pytest.raises(ValueError, match="31"):
        make(7, TODAY, count=31)
