"""The dates that tools are given."""

from __future__ import annotations

import pytest

from examples.residency.server.answers import Refusal
from examples.residency.server.spans import days
from tests.examples.residency.small import FIRST, programme

OF = programme(56)


def test_without_dates_it_is_the_whole_schedule_and_dates_beyond_it_are_cut() -> None:
    assert days(OF, None, None) == (FIRST, FIRST + 55)
    assert days(OF, "2026-03-03", None) == (FIRST + 1, FIRST + 55)
    assert days(OF, "2020-01-01", "2026-03-02", most=1) == (FIRST, FIRST)


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        ("soon", None, "bad_dates"),
        ("2026-03-05", "2026-03-04", "bad_dates"),
        ("2027-03-05", "2027-03-08", "outside_schedule"),
        ("2026-03-02", "2026-03-12", "too_many_days"),
    ],
)
def test_dates_that_make_no_sense_are_refused(start: str | None, end: str | None, reason: str) -> None:
    with pytest.raises(Refusal) as caught:
        days(OF, start, end, most=10)
    assert caught.value.reason == reason
    assert caught.value.remedy
