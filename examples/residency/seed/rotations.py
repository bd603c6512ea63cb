"""The rotations of the made-up programme, what each needs, and how many people it gets.

A programme of more than 30 people is several of these beside each other.
"""

from __future__ import annotations

from dataclasses import dataclass

from examples.residency.data.entities import Need, Rotation, RotationId, ShiftKind

HOUR = 60
"""Minutes."""

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
WEEKDAYS = (0, 1, 2, 3, 4)
WEEKEND = (5, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A rotation of one site.

    Attributes:
        pattern: the name of the pattern of its shifts.
        people: how many it gets in each block.
        level: the lowest level of its people.
    """

    rotation: Rotation
    pattern: str
    people: int
    level: int
    needs: tuple[Need, ...]


PEOPLE_A_SITE = 30


def site(number: int) -> tuple[Place, ...]:
    """Return the places of one site of 30 people; those of the first have plain names."""
    ending, title = ("", "") if number == 0 else (f"-{number + 1}", f" {number + 1}")

    def place(
        name: str, full: str, pattern: str, people: int, level: int, *needs: _Hours, flexible: bool = False
    ) -> Place:
        rotation_id = RotationId(name + ending)
        return Place(
            rotation=Rotation(id=rotation_id, name=full + title, flexible=flexible),
            pattern=pattern,
            people=people,
            level=level,
            needs=tuple(need.of(rotation_id) for need in needs),
        )

    return (
        place(
            "icu",
            "Intensive care",
            "icu",
            5,
            2,
            _Hours(ShiftKind.DAY, 7, 12, EVERY_DAY, 2, 2),
            _Hours(ShiftKind.CALL, 7, 24, EVERY_DAY, 1, 2),
        ),
        place("night", "Night float", "night", 3, 2, _Hours(ShiftKind.NIGHT, 19, 12, EVERY_DAY, 2, 2)),
        place("ward-a", "Ward A", "ward", 5, 1, _Hours(ShiftKind.DAY, 7, 11, EVERY_DAY, 3, 1)),
        place("ward-b", "Ward B", "ward", 5, 1, _Hours(ShiftKind.DAY, 7, 11, EVERY_DAY, 3, 1)),
        place(
            "emergency",
            "Emergency",
            "emergency",
            4,
            1,
            _Hours(ShiftKind.DAY, 7, 10, EVERY_DAY, 1, 1),
            _Hours(ShiftKind.DAY, 16, 10, EVERY_DAY, 1, 1),
        ),
        place(
            "clinic",
            "Clinic",
            "clinic",
            4,
            1,
            _Hours(ShiftKind.DAY, 8, 9, WEEKDAYS, 1, 1),
            _Hours(ShiftKind.CALL, 8, 24, WEEKEND, 1, 1),
        ),
        place("elective", "Elective", "elective", 4, 1, flexible=True),
    )


@dataclass(frozen=True, slots=True)
class _Hours:
    kind: ShiftKind
    start: int
    hours: int
    weekdays: tuple[int, ...]
    minimum: int
    level: int

    def of(self, rotation_id: RotationId) -> Need:
        return Need(
            rotation_id=rotation_id,
            kind=self.kind,
            start=self.start * HOUR,
            minutes=self.hours * HOUR,
            weekdays=self.weekdays,
            minimum=self.minimum,
            level=self.level,
        )
