"""Small schedules for tests: a few people, and shifts by the day and hour."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from examples.residency.data.clock import Calendar
from examples.residency.data.database import Database, Records, create
from examples.residency.data.entities import (
    Absence,
    Assignment,
    Averaging,
    Need,
    Person,
    PersonId,
    Programme,
    Rotation,
    RotationId,
    ScheduleId,
    Shift,
    ShiftId,
    ShiftKind,
)
from examples.residency.data.reading import Reader
from examples.residency.data.roster import Roster

FIRST = date(2026, 3, 2).toordinal()
"""A Monday; in Chicago the clocks go forward on the Sunday of its week."""

ANN, BOB, CAT = (PersonId(f"{letter * 8}-0000-4000-8000-000000000000") for letter in "abc")
WARD, ELECTIVE = RotationId("ward"), RotationId("elective")
HOUR = 3600
DAY, NIGHT, CALL = ShiftKind.DAY, ShiftKind.NIGHT, ShiftKind.CALL


def programme(days: int = 56, *, averaging: Averaging = Averaging.BLOCK, zone: str = "UTC") -> Programme:
    """Return a programme that begins on `FIRST`."""
    return Programme(
        schedule_id=ScheduleId("main"),
        name="Test",
        time_zone=zone,
        averaging=averaging,
        first=FIRST,
        last=FIRST + days - 1,
    )


def work(
    day: int,
    hour: float,
    hours: float,
    kind: ShiftKind = DAY,
    *,
    person: PersonId = ANN,
    rotation: RotationId = WARD,
    zone: str = "UTC",
    name: str = "",
) -> Shift:
    """Return a shift that begins on a day (0 = `FIRST`) at an hour by the clock, and lasts so many hours."""
    start = Calendar(zone, FIRST, FIRST).at(FIRST + day, round(hour * 60))
    return Shift(
        id=ShiftId(name or f"s-{person[0]}-{day}-{hour:g}-{kind}"),
        person_id=person,
        rotation_id=rotation,
        kind=kind,
        start=start,
        end=start + round(hours * HOUR),
    )


def daily(
    days: Iterable[int], hour: float, hours: float, kind: ShiftKind = DAY, *, person: PersonId = ANN
) -> list[Shift]:
    """Return the same shift on several days."""
    return [work(day, hour, hours, kind, person=person) for day in days]


def leave(first: int, last: int, *, person: PersonId = ANN) -> Absence:
    """Return leave from a day to a day (0 = `FIRST`)."""
    return Absence(person_id=person, kind="vacation", first=FIRST + first, last=FIRST + last)


def need(
    hour: int, hours: int, minimum: int, *, kind: ShiftKind = DAY, level: int = 1, rotation: RotationId = WARD
) -> Need:
    """Return a need of every day."""
    return Need(
        rotation_id=rotation,
        kind=kind,
        start=hour * 60,
        minutes=hours * 60,
        weekdays=(0, 1, 2, 3, 4, 5, 6),
        minimum=minimum,
        level=level,
    )


def records(
    *shifts: Shift,
    absences: Iterable[Absence] = (),
    needs: Iterable[Need] = (),
    of: Programme | None = None,
    assignments: Iterable[Assignment] | None = None,
) -> Records:
    """Return records of Ann (level 1), Bob (2) and Cat (3), all on the ward."""
    of = of or programme()
    everybody = (ANN, BOB, CAT)
    return Records(
        programme=of,
        people=tuple(
            Person(id=person, name=name, level=level)
            for level, (person, name) in enumerate(zip(everybody, ("Ann Ito", "Bob Smith", "Cat Ito"), strict=True), 1)
        ),
        rotations=(
            Rotation(id=WARD, name="Ward", flexible=False),
            Rotation(id=ELECTIVE, name="Elective", flexible=True),
        ),
        needs=tuple(needs),
        assignments=tuple(
            assignments
            if assignments is not None
            else (Assignment(person_id=person, rotation_id=WARD, first=of.first, last=of.last) for person in everybody)
        ),
        absences=tuple(absences),
        shifts=shifts,
    )


def roster(
    *shifts: Shift,
    absences: Iterable[Absence] = (),
    needs: Iterable[Need] = (),
    of: Programme | None = None,
    assignments: Iterable[Assignment] | None = None,
) -> Roster:
    """Return the same in memory, at version 1."""
    made = records(*shifts, absences=absences, needs=needs, of=of, assignments=assignments)
    people = [person.id for person in made.people]
    return Roster(
        programme=made.programme,
        calendar=Calendar(made.programme.time_zone, made.programme.first, made.programme.last),
        version=1,
        people={person.id: person for person in made.people},
        rotations={rotation.id: rotation for rotation in made.rotations},
        needs=made.needs,
        assignments={one: tuple(a for a in made.assignments if a.person_id == one) for one in people},
        absences={one: tuple(a for a in made.absences if a.person_id == one) for one in people},
        shifts={one: tuple(sorted((s for s in shifts if s.person_id == one), key=lambda s: s.start)) for one in people},
        by_id={shift.id: shift for shift in shifts},
    )


def database(folder: Path, made: Records) -> Database:
    """Return a database file with these records."""
    path = folder / "schedule.db"
    assert create(path, made)
    return Database(path)


def stored(folder: Path, *shifts: Shift) -> tuple[Database, Roster]:
    """Return a database file with these shifts, and what is read from it."""
    opened = database(folder, records(*shifts))
    return opened, Reader(opened).roster()
