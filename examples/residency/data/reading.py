"""Loads the schedule; keeps the last version that was read, because most questions ask about the same one."""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from examples.residency.data.clock import Calendar
from examples.residency.data.database import Database
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
from examples.residency.data.roster import Roster

_Row = TypeVar("_Row", Absence, Assignment, Shift)


class Reader:
    """Reads the schedule from a database; may be used by several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._last: Roster | None = None

    def roster(self) -> Roster:
        """Return the schedule as it is now."""
        with self._lock, self._database.reading() as connection:
            (version,) = connection.execute("SELECT version FROM programme").fetchone()
            if self._last is None or self._last.version != version:
                self._last = load(connection)
            return self._last

    def is_whole(self) -> str:
        """Return what SQLite says of the file: `ok`, or what is wrong with it."""
        with self._database.reading() as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            return str(said)


def load(connection: sqlite3.Connection) -> Roster:
    """Return the schedule that a connection sees."""
    schedule_id, name, time_zone, averaging, first, last, version = connection.execute(
        "SELECT schedule_id, name, time_zone, averaging, first_day, last_day, version FROM programme"
    ).fetchone()
    programme = Programme(
        schedule_id=ScheduleId(schedule_id),
        name=name,
        time_zone=time_zone,
        averaging=Averaging(averaging),
        first=first,
        last=last,
    )
    people = {
        PersonId(row[0]): Person(id=PersonId(row[0]), name=row[1], level=row[2])
        for row in connection.execute("SELECT id, name, level FROM people ORDER BY level, name, id")
    }
    rotations = {
        RotationId(row[0]): Rotation(id=RotationId(row[0]), name=row[1], flexible=bool(row[2]))
        for row in connection.execute("SELECT id, name, flexible FROM rotations ORDER BY name")
    }
    shifts = [shift_of(row) for row in connection.execute(f"{SELECT_SHIFTS} ORDER BY start_s, id")]
    return Roster(
        programme=programme,
        calendar=Calendar(time_zone, first, last),
        version=version,
        people=people,
        rotations=rotations,
        needs=tuple(_needs(connection)),
        assignments=_by_person(people, _assignments(connection), lambda row: row.person_id),
        absences=_by_person(people, _absences(connection), lambda row: row.person_id),
        shifts=_by_person(people, shifts, lambda row: row.person_id),
        by_id={shift.id: shift for shift in shifts},
    )


SELECT_SHIFTS = "SELECT id, person_id, rotation_id, kind, start_s, end_s FROM shifts"
_KINDS = {str(kind): kind for kind in ShiftKind}


def shift_of(row: tuple[str, str, str, str, int, int]) -> Shift:
    """Return the shift of a row of `SELECT_SHIFTS`."""
    return Shift(
        id=ShiftId(row[0]),
        person_id=PersonId(row[1]),
        rotation_id=RotationId(row[2]),
        kind=_KINDS[row[3]],
        start=row[4],
        end=row[5],
    )


def _needs(connection: sqlite3.Connection) -> Iterable[Need]:
    rows = connection.execute(
        "SELECT rotation_id, kind, start_minute, minutes, weekdays, minimum, level FROM needs ORDER BY 1, 3, 2"
    )
    for rotation_id, kind, start, minutes, weekdays, minimum, level in rows:
        yield Need(
            rotation_id=RotationId(rotation_id),
            kind=_KINDS[kind],
            start=start,
            minutes=minutes,
            weekdays=tuple(map(int, weekdays)),
            minimum=minimum,
            level=level,
        )


def _assignments(connection: sqlite3.Connection) -> Iterable[Assignment]:
    rows = connection.execute("SELECT person_id, rotation_id, first_day, last_day FROM assignments ORDER BY 3, 1")
    for person_id, rotation_id, first, last in rows:
        yield Assignment(person_id=PersonId(person_id), rotation_id=RotationId(rotation_id), first=first, last=last)


def _absences(connection: sqlite3.Connection) -> Iterable[Absence]:
    rows = connection.execute("SELECT person_id, kind, first_day, last_day FROM absences ORDER BY 3, 1, 2")
    for person_id, kind, first, last in rows:
        yield Absence(person_id=PersonId(person_id), kind=kind, first=first, last=last)


def _by_person(
    people: Iterable[PersonId], rows: Iterable[_Row], owner: Callable[[_Row], PersonId]
) -> Mapping[PersonId, tuple[_Row, ...]]:
    found: dict[PersonId, list[_Row]] = defaultdict(list)
    for row in rows:
        found[owner(row)].append(row)
    return {person_id: tuple(found[person_id]) for person_id in people}
