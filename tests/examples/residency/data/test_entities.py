"""Which kinds of shifts count for what."""

from __future__ import annotations

from examples.residency.data.entities import COUNTED, SCHEDULED, ShiftKind


def test_only_waiting_at_home_does_not_count_as_work() -> None:
    assert set(ShiftKind) - COUNTED == {ShiftKind.HOME_CALL}


def test_what_is_done_from_home_is_not_scheduled_duty() -> None:
    assert set(ShiftKind) - SCHEDULED == {ShiftKind.HOME_CALL, ShiftKind.CALLED_IN, ShiftKind.HOME_WORK}
