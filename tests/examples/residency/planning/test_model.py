"""Each rule of the model, just possible and just impossible."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from examples.residency.data.entities import Need, Shift
from examples.residency.planning.model import CLASHING, COVERAGE, build
from examples.residency.planning.problem import problem
from examples.residency.planning.solver import is_installed, search
from examples.residency.rules.table import RuleId
from tests.examples.residency.small import CALL, CAT, FIRST, need, programme, roster, work

pytestmark = pytest.mark.skipif(not is_installed(), reason="OR-Tools is not installed: make solver")


def is_possible(*shifts: Shift, needs: Collection[Need], last: int, rules: Collection[str] = CLASHING) -> bool:
    of = roster(*shifts, needs=needs, of=programme(28))
    return search(build(problem(of, FIRST, FIRST + last), rules, keep=None).model) is not None


def test_three_people_cannot_take_a_call_every_night_with_14_hours_free_after_each() -> None:
    # Each is free again 24 + 2 + 14 hours after the call begins: on the next day but one.
    one = [need(7, 24, 1, kind=CALL)]
    assert is_possible(needs=one, last=5)
    two = [need(7, 24, 2, kind=CALL)]
    assert not is_possible(needs=two, last=5)
    assert is_possible(needs=two, last=5, rules=[rule for rule in CLASHING if rule != COVERAGE])


def test_the_call_of_one_person_is_at_most_every_third_night() -> None:
    # Only Cat is trained for it: 9 nights of 28.
    nights = [need(19, 11, 1, kind=CALL, level=3)]
    rules = (COVERAGE, RuleId.CALL_FREQUENCY)
    assert is_possible(needs=nights, last=8, rules=rules)
    assert not is_possible(needs=nights, last=9, rules=rules)


def test_hours_and_free_days_count_what_is_fixed_too() -> None:
    days = [need(7, 16, 1, level=3)]
    assert is_possible(needs=days, last=19, rules=(COVERAGE, RuleId.WEEKLY_HOURS))
    assert not is_possible(needs=days, last=20, rules=(COVERAGE, RuleId.WEEKLY_HOURS))
    fixed = work(27, 7, 1, person=CAT)
    assert not is_possible(fixed, needs=days, last=19, rules=(COVERAGE, RuleId.WEEKLY_HOURS))
    short = [need(7, 8, 1, level=3)]
    assert is_possible(needs=short, last=23, rules=(COVERAGE, RuleId.FREE_DAYS))
    assert not is_possible(needs=short, last=24, rules=(COVERAGE, RuleId.FREE_DAYS))


def test_8_hours_lie_between_two_slots_unless_the_rule_is_left_out() -> None:
    pair = [need(6, 9, 1, level=3), need(22, 5, 1, level=3)]  # 7 hours, then 3
    assert not is_possible(needs=pair, last=1)
    assert is_possible(needs=pair, last=1, rules=(COVERAGE,))
