"""Times and money on the wire."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.protocol import times
from supervisor.protocol.times import DAY_MS, NANOS

MOMENTS = st.integers(min_value=0, max_value=253_402_300_799_999)  # to the end of the year 9999
DAYS = st.integers(min_value=0, max_value=2_932_896)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (1_704_067_199_999, "2023-12-31T23:59:59.999Z"),
        (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
    ],
)
def test_a_time_is_rfc_3339_in_utc_with_a_z(ms: int, text: str) -> None:
    assert times.rfc3339(ms) == text


@given(MOMENTS)
def test_no_millisecond_is_lost_on_the_wire(ms: int) -> None:
    text = times.rfc3339(ms)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    delta = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    assert (delta.days * 86_400 + delta.seconds) * 1_000 + delta.microseconds // 1_000 == ms


@given(MOMENTS, MOMENTS)
def test_texts_sort_as_their_times_do(one: int, two: int) -> None:
    assert (times.rfc3339(one) < times.rfc3339(two)) == (one < two)


def test_now_is_the_wall_time_in_milliseconds() -> None:
    assert abs(times.now_ms() - time.time() * 1_000) < 60_000


@pytest.mark.parametrize(("nanos", "usd"), [(0, 0.0), (1, 1e-9), (NANOS, 1.0), (1_234_500_000, 1.2345)])
def test_money_leaves_as_dollars(nanos: int, usd: float) -> None:
    assert times.usd(nanos) == usd
    assert times.nanos(usd) == nanos


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_no_nanodollar_is_lost_up_to_a_million_dollars(nanos: int) -> None:
    assert times.nanos(times.usd(nanos)) == nanos


@given(MOMENTS)
def test_a_day_begins_at_midnight_utc(ms: int) -> None:
    assert times.day_text(times.day_of(ms)) == times.rfc3339(ms)[:10]
    assert times.day_of(ms) * DAY_MS <= ms < (times.day_of(ms) + 1) * DAY_MS


@given(DAYS)
def test_a_day_reads_back_the_same(day: int) -> None:
    assert times.parse_day(times.day_text(day)) == day
    assert times.parse_day(times.day_text(day), up=True) == day


@pytest.mark.parametrize(
    ("text", "day", "up"),
    [
        ("2024-01-01", 19_723, 19_723),
        ("2024-01-01T00:00:00Z", 19_723, 19_723),
        ("2024-01-01T00:00:00.001Z", 19_723, 19_724),
        ("2024-01-01T23:59:59", 19_723, 19_724),
        ("2024-01-01T00:30:00+01:00", 19_722, 19_723),
        ("2023-12-31T23:00:00-01:00", 19_723, 19_723),
        ("1969-12-31", -1, -1),
    ],
)
def test_a_time_belongs_to_its_utc_day_and_an_end_after_midnight_to_the_next(text: str, day: int, up: int) -> None:
    assert times.parse_day(text) == day
    assert times.parse_day(text, up=True) == up


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "2024-02-30", "01/02/2024", "2024-01-01T25:00:00Z"])
def test_an_invalid_day_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        times.parse_day(text)


@given(st.text(max_size=40))
def test_any_text_is_a_day_or_a_value_error(text: str) -> None:
    try:
        day = times.parse_day(text, up=True)
    except ValueError:
        return
    assert isinstance(day, int)
