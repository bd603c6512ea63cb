"""Each rule just inside and just outside its limit, also over midnight and over a change of the clocks."""

from __future__ import annotations

import pytest

from examples.residency.data.entities import Absence, Assignment, Averaging, Shift, ShiftKind
from examples.residency.rules.check import check_all, check_person
from examples.residency.rules.finding import Finding, Severity
from examples.residency.rules.table import RuleId
from tests.examples.residency.small import (
    ANN,
    BOB,
    CALL,
    FIRST,
    NIGHT,
    WARD,
    daily,
    leave,
    programme,
    roster,
    work,
)

CHICAGO = "America/Chicago"
WORKDAYS = [day for day in range(28) if day % 7 < 5]
SIX_DAYS = [day for day in range(28) if day % 7 < 6]


def found(
    rule: RuleId, *shifts: Shift, absences: tuple[Absence, ...] = (), zone: str = "UTC", rolling: bool = False
) -> list[Finding]:
    """Return what one rule finds in Ann's first block."""
    of = roster(*shifts, absences=absences, of=programme(28, zone=zone))
    return [one for one in check_person(of, ANN, FIRST, FIRST + 27, rolling=rolling) if one.rule is rule]


# 80 hours a week, averaged


def test_80_hours_a_week_on_average_are_allowed_and_a_minute_more_is_not() -> None:
    weeks = daily(WORKDAYS, 7, 16)  # 4 weeks of 5 days of 16 hours
    assert found(RuleId.WEEKLY_HOURS, *weeks) == []
    (one,) = found(RuleId.WEEKLY_HOURS, *weeks, work(5, 7, 1 / 60))
    assert one.severity is Severity.VIOLATION
    assert one.measured == pytest.approx(80 + 1 / 240)
    assert (one.first, one.last, one.days) == (FIRST, FIRST + 27, 28)


def test_a_hard_week_is_allowed_where_the_block_makes_up_for_it() -> None:
    assert found(RuleId.WEEKLY_HOURS, *daily(range(7), 0, 20), *daily(range(7, 28), 7, 8)) == []


@pytest.mark.parametrize("kind", [ShiftKind.MOONLIGHTING, ShiftKind.HOME_WORK, ShiftKind.CALLED_IN])
def test_moonlighting_work_at_home_and_called_in_hours_count(kind: ShiftKind) -> None:
    assert found(RuleId.WEEKLY_HOURS, *daily(WORKDAYS, 7, 16), work(5, 7, 1, kind))


def test_waiting_at_home_on_call_does_not_count() -> None:
    waiting = daily(WORKDAYS, 23, 8, ShiftKind.HOME_CALL)
    assert found(RuleId.WEEKLY_HOURS, *daily(WORKDAYS, 7, 16), *waiting) == []


def test_time_in_two_places_at_once_counts_once() -> None:
    assert found(RuleId.WEEKLY_HOURS, *daily(WORKDAYS, 7, 16), work(0, 8, 10, ShiftKind.MOONLIGHTING)) == []


def test_leave_is_taken_out_of_both_sides_of_the_average() -> None:
    three_weeks = daily([day for day in WORKDAYS if day < 21], 7, 16)
    assert found(RuleId.WEEKLY_HOURS, *three_weeks, absences=(leave(21, 27),)) == []
    (one,) = found(RuleId.WEEKLY_HOURS, *three_weeks, work(5, 7, 0.1), absences=(leave(21, 27),))
    assert one.days == 21
    # Without the leave, the same hours are spread over four weeks.
    assert found(RuleId.WEEKLY_HOURS, *three_weeks, work(5, 7, 0.1)) == []


def test_work_on_leave_does_not_count_and_a_period_of_less_than_a_week_is_not_judged() -> None:
    assert found(RuleId.WEEKLY_HOURS, *daily(range(6), 0, 23), absences=(leave(6, 27),)) == []
    assert found(RuleId.WEEKLY_HOURS, *daily(range(7), 0, 23), absences=(leave(7, 27),))


def test_a_shift_over_the_end_of_a_block_counts_in_both() -> None:
    of = roster(*daily(WORKDAYS, 7, 16), work(27, 23, 2), of=programme(56))
    hours = {one.first: one.measured for one in check_person(of, ANN, FIRST, FIRST + 55, rolling=False)}
    assert hours[FIRST] == pytest.approx((320 + 1) / 4)


def test_the_hour_that_a_change_of_the_clocks_takes_is_not_worked() -> None:
    weeks = daily(WORKDAYS, 7, 16)
    # From 22:00 to 06:00 by the clock on the wall: 7 hours in the night in which the clocks go forward.
    night = work(5, 22, 7, zone=CHICAGO)
    less = [shift for shift in weeks if shift.start != weeks[0].start]
    shifts = [work(day, 7, 16, zone=CHICAGO) for day in WORKDAYS[1:]]
    assert len(less) == len(shifts)
    assert found(RuleId.WEEKLY_HOURS, *shifts, work(0, 7, 9, zone=CHICAGO), night, zone=CHICAGO) == []
    longer = work(5, 22, 7.1, zone=CHICAGO)
    assert found(RuleId.WEEKLY_HOURS, *shifts, work(0, 7, 9, zone=CHICAGO), longer, zone=CHICAGO)


# one day in seven free, averaged


def test_four_free_days_in_28_are_enough_and_three_are_not() -> None:
    assert found(RuleId.FREE_DAYS, *daily(SIX_DAYS, 7, 10)) == []
    (one,) = found(RuleId.FREE_DAYS, *daily([*SIX_DAYS, 6], 7, 10))
    assert (one.measured, one.limit, one.severity) == (3, 4, Severity.VIOLATION)


def test_free_days_may_lie_together() -> None:
    assert found(RuleId.FREE_DAYS, *daily(range(24), 7, 10)) == []


def test_24_hours_without_a_break_are_a_free_day_and_a_minute_less_is_none() -> None:
    six = [day for day in SIX_DAYS if day != 5]
    # Off from Saturday 19:00 to Sunday 19:00.
    assert found(RuleId.FREE_DAYS, *daily(six, 7, 10), work(5, 7, 12), work(6, 19, 10)) == []
    (one,) = found(RuleId.FREE_DAYS, *daily(six, 7, 10), work(5, 7, 12 + 1 / 60), work(6, 19, 10))
    assert one.measured == 3


def test_a_free_day_of_23_hours_by_elapsed_time_is_none() -> None:
    # From midnight to midnight on the day on which the clocks go forward.
    days = [day for day in SIX_DAYS if day not in (5, 7)]
    shifts = [work(day, 7, 10, zone=CHICAGO) for day in days]
    around = [work(5, 12, 12, zone=CHICAGO), work(7, 0, 10, zone=CHICAGO)]
    assert found(RuleId.FREE_DAYS, *shifts, *around, zone=CHICAGO)
    later = [work(5, 12, 11, zone=CHICAGO), work(7, 0, 10, zone=CHICAGO)]
    assert found(RuleId.FREE_DAYS, *shifts, *later, zone=CHICAGO) == []


@pytest.mark.parametrize("kind", list(ShiftKind))
def test_call_at_home_and_every_other_kind_breaks_a_free_day(kind: ShiftKind) -> None:
    assert found(RuleId.FREE_DAYS, *daily(SIX_DAYS, 7, 10), work(6, 12, 1, kind))


def test_free_days_of_leave_do_not_count_and_neither_do_its_days() -> None:
    assert found(RuleId.FREE_DAYS, *daily([d for d in SIX_DAYS if d < 21], 7, 10), absences=(leave(21, 27),)) == []
    assert found(RuleId.FREE_DAYS, *daily(range(21), 7, 10), absences=(leave(21, 27),))


# 24 hours, and 4 for transitions


def test_24_hours_and_4_for_transitions_are_allowed_and_a_minute_more_is_not() -> None:
    call = work(0, 7, 24, CALL)
    assert found(RuleId.SHIFT_LENGTH, call, work(1, 7, 4, ShiftKind.TRANSITION)) == []
    (one,) = found(RuleId.SHIFT_LENGTH, call, work(1, 7, 4 + 1 / 60, ShiftKind.TRANSITION))
    assert (one.limit, one.severity) == (28, Severity.VIOLATION)


def test_a_minute_of_other_work_after_24_hours_is_not_allowed() -> None:
    assert found(RuleId.SHIFT_LENGTH, work(0, 7, 24, CALL)) == []
    (one,) = found(RuleId.SHIFT_LENGTH, work(0, 7, 24, CALL), work(1, 7, 1 / 60))
    assert one.limit == 24
    assert set(one.shift_ids) == {"s-a-0-7-call", "s-a-1-7-day"}


def test_a_transition_after_a_shorter_shift_may_take_longer_while_the_whole_fits() -> None:
    assert found(RuleId.SHIFT_LENGTH, work(0, 7, 20, CALL), work(1, 3, 8, ShiftKind.TRANSITION)) == []


def test_an_hour_between_two_shifts_ends_the_work_and_less_does_not() -> None:
    assert found(RuleId.SHIFT_LENGTH, work(0, 7, 20), work(1, 4, 8)) == []
    assert found(RuleId.SHIFT_LENGTH, work(0, 7, 20), work(1, 3.99, 8))


def test_24_hours_by_the_clock_are_25_in_the_night_in_which_the_clocks_go_back() -> None:
    autumn = FIRST + 7 * 34 + 5  # Saturday, 31 October 2026
    of = roster(of=programme(280, zone=CHICAGO))
    start, end = of.calendar.at(autumn, 7 * 60), of.calendar.at(autumn + 1, 7 * 60)
    assert end - start == 25 * 3600
    long = Shift(id=work(0, 0, 1).id, person_id=ANN, rotation_id=WARD, kind=CALL, start=start, end=end)
    shifts = [long]
    (one,) = [f for f in check_person(of, ANN, autumn, autumn + 1, shifts=shifts) if f.rule is RuleId.SHIFT_LENGTH]
    assert one.measured == 25


# 14 hours after 24


def test_14_hours_after_24_are_enough_and_a_minute_less_is_not() -> None:
    call, transition = work(0, 7, 24, CALL), work(1, 7, 2, ShiftKind.TRANSITION)
    assert found(RuleId.REST_AFTER_CALL, call, transition, work(1, 23, 8)) == []
    (one,) = found(RuleId.REST_AFTER_CALL, call, transition, work(1, 23 - 1 / 60, 8))
    assert (one.limit, one.severity) == (14, Severity.VIOLATION)
    assert one.measured == pytest.approx(14, abs=0.02)


def test_less_than_24_hours_need_no_14_hours_of_rest() -> None:
    assert found(RuleId.REST_AFTER_CALL, work(0, 7, 23.9, CALL), work(1, 16, 8)) == []


@pytest.mark.parametrize("kind", [ShiftKind.HOME_WORK, ShiftKind.CALLED_IN, ShiftKind.MOONLIGHTING])
def test_every_kind_of_work_disturbs_the_14_hours(kind: ShiftKind) -> None:
    assert found(RuleId.REST_AFTER_CALL, work(0, 7, 24, CALL), work(1, 18, 2, kind))


def test_waiting_at_home_does_not_disturb_the_14_hours() -> None:
    assert found(RuleId.REST_AFTER_CALL, work(0, 7, 24, CALL), work(1, 17, 14, ShiftKind.HOME_CALL)) == []


# 8 hours between shifts


def test_8_hours_between_shifts_are_enough_and_a_minute_less_should_not_be() -> None:
    assert found(RuleId.REST_BETWEEN, work(0, 14, 9), work(1, 7, 8)) == []
    (one,) = found(RuleId.REST_BETWEEN, work(0, 14, 9 + 1 / 60), work(1, 7, 8))
    assert one.severity is Severity.SHOULD


def test_8_hours_by_the_clock_are_7_in_the_night_in_which_the_clocks_go_forward() -> None:
    late, early = work(5, 14, 9, zone=CHICAGO), work(6, 7, 8, zone=CHICAGO)
    (one,) = found(RuleId.REST_BETWEEN, late, early, zone=CHICAGO)
    assert one.measured == 7


def test_a_rest_that_is_too_short_after_call_is_told_once() -> None:
    shifts = (work(0, 7, 24, CALL), work(1, 12, 8))
    assert found(RuleId.REST_BETWEEN, *shifts) == []
    assert len(found(RuleId.REST_AFTER_CALL, *shifts)) == 1


# every third night


def test_nine_calls_in_28_nights_are_allowed_and_ten_are_not() -> None:
    nights = list(range(0, 28, 3))
    assert found(RuleId.CALL_FREQUENCY, *daily(nights[:9], 17, 12, CALL)) == []
    (one,) = found(RuleId.CALL_FREQUENCY, *daily(nights, 17, 12, CALL))
    assert (one.measured, one.severity) == (10, Severity.VIOLATION)


def test_two_calls_in_a_row_are_allowed_on_average() -> None:
    assert found(RuleId.CALL_FREQUENCY, *daily([0, 1, 2, 3], 17, 12, CALL)) == []


def test_leave_is_taken_out_of_the_nights() -> None:
    seven = list(range(0, 21, 3))
    assert found(RuleId.CALL_FREQUENCY, *daily(seven, 17, 12, CALL), absences=(leave(21, 27),)) == []
    assert found(RuleId.CALL_FREQUENCY, *daily([*seven, 1], 17, 12, CALL), absences=(leave(21, 27),))


def test_night_float_and_call_at_home_are_no_in_house_call() -> None:
    assert found(RuleId.CALL_FREQUENCY, *daily(range(20), 19, 12, NIGHT)) == []
    assert found(RuleId.CALL_FREQUENCY, *daily(range(20), 19, 12, ShiftKind.HOME_CALL)) == []


# periods


def test_averages_by_rotation_are_over_what_a_person_worked_in_one_place() -> None:
    rotations = [
        Assignment(person_id=ANN, rotation_id=WARD, first=FIRST, last=FIRST + 13),
        Assignment(person_id=ANN, rotation_id=WARD, first=FIRST + 14, last=FIRST + 27),
    ]
    shifts = daily(range(12), 7, 14)  # 168 hours in the first rotation, nothing in the second
    by_block = roster(*shifts, of=programme(28), assignments=rotations)
    by_rotation = roster(*shifts, of=programme(28, averaging=Averaging.ROTATION), assignments=rotations)
    rules = [one.rule for one in check_person(by_block, ANN, FIRST, FIRST + 27, rolling=False)]
    assert RuleId.WEEKLY_HOURS not in rules
    (hours,) = [
        one
        for one in check_person(by_rotation, ANN, FIRST, FIRST + 27, rolling=False)
        if one.rule is RuleId.WEEKLY_HOURS
    ]
    assert (hours.first, hours.last, hours.measured) == (FIRST, FIRST + 13, 84)


def test_28_days_in_a_row_over_an_average_are_a_warning_where_no_block_is() -> None:
    # The last two weeks of one block and the first two of the next one.
    heavy = daily([day for day in range(14, 42) if day % 7 < 5], 7, 16.5)
    of = roster(*heavy, of=programme(56))
    hours = [one for one in check_person(of, ANN, FIRST, FIRST + 55) if one.rule is RuleId.WEEKLY_HOURS]
    assert [(one.severity, one.measured) for one in hours] == [(Severity.WARNING, 82.5)]
    assert FIRST < hours[0].first <= FIRST + 14
    assert [one for one in check_person(of, ANN, FIRST, FIRST + 55, rolling=False) if one in hours] == []


def test_a_block_that_is_over_the_average_is_not_told_again_as_a_warning() -> None:
    hours = found(RuleId.WEEKLY_HOURS, *daily(WORKDAYS, 7, 17), rolling=True)
    assert [one.severity for one in hours] == [Severity.VIOLATION]


def test_only_what_touches_the_days_is_told_and_a_block_is_always_whole() -> None:
    short = (work(0, 14, 10), work(1, 7, 8))
    of = roster(*short, *daily([d + 28 for d in WORKDAYS], 7, 17), of=programme(56))
    early = check_person(of, ANN, FIRST, FIRST + 2, rolling=False)
    assert [one.rule for one in early] == [RuleId.REST_BETWEEN]
    late = check_person(of, ANN, FIRST + 55, FIRST + 55, rolling=False)
    assert [one.rule for one in late] == [RuleId.WEEKLY_HOURS]


def test_everybody_is_checked_violations_first() -> None:
    of = roster(
        work(0, 14, 10),
        work(1, 7, 8),
        *daily(SIX_DAYS, 7, 13.5, person=BOB),
        of=programme(28),
    )
    assert [(one.person_id, one.severity) for one in check_all(of, FIRST, FIRST + 27)] == [
        (BOB, Severity.VIOLATION),
        (ANN, Severity.SHOULD),
    ]


def test_a_finding_has_the_same_id_whatever_days_are_asked_for() -> None:
    of = roster(*daily(WORKDAYS, 7, 17), of=programme(56))
    wide, narrow = (check_person(of, ANN, FIRST, last)[0] for last in (FIRST + 55, FIRST))
    assert wide.id == narrow.id
    assert str(ANN)[:8] not in wide.id
