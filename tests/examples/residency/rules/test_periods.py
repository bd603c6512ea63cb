"""The periods over which averages are taken."""

from __future__ import annotations

import pytest

from examples.residency.data.entities import Assignment, Averaging
from examples.residency.rules.periods import periods
from tests.examples.residency.small import ANN, FIRST, WARD, programme


def offsets(days: int, first: int, last: int) -> list[tuple[int, int]]:
    found = periods(programme(days), (), FIRST + first, FIRST + last)
    return [(begin - FIRST, end - FIRST) for begin, end in found]


def test_blocks_are_four_weeks_from_the_first_day_and_only_those_that_are_touched() -> None:
    assert offsets(84, 0, 83) == [(0, 27), (28, 55), (56, 83)]
    assert offsets(84, 27, 28) == [(0, 27), (28, 55)]
    assert offsets(84, 30, 31) == [(28, 55)]


@pytest.mark.parametrize(
    ("days", "last"), [(29, [(0, 28)]), (34, [(0, 33)]), (35, [(0, 27), (28, 34)]), (20, [(0, 19)])]
)
def test_a_rest_of_less_than_a_week_belongs_to_the_block_before(days: int, last: list[tuple[int, int]]) -> None:
    assert offsets(days, 0, days - 1) == last


def test_a_rotation_is_a_period_and_a_long_one_is_cut_after_four_weeks() -> None:
    rotations = [
        Assignment(person_id=ANN, rotation_id=WARD, first=FIRST, last=FIRST + 13),
        Assignment(person_id=ANN, rotation_id=WARD, first=FIRST + 14, last=FIRST + 55),
    ]
    found = periods(programme(56, averaging=Averaging.ROTATION), rotations, FIRST, FIRST + 55)
    assert [(begin - FIRST, end - FIRST) for begin, end in found] == [(0, 13), (14, 41), (42, 55)]
