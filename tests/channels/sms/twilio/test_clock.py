"""Twilio's time, as its replies tell it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from channels.sms.twilio.clock import TwilioClock
from tests.channels.sms.fixtures import Clock

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
DATE = "Sun, 29 Nov 2026 12:00:00 GMT"


def test_a_moment_is_known_by_what_twilio_says_later_however_our_clock_is_set() -> None:
    ours, monotonic = Clock(NOON.timestamp() + 10), Clock(100.0)
    twilio = TwilioClock(ours, monotonic)
    moment = twilio.moment()
    assert twilio.at(moment) is None
    monotonic.now += 7
    ours.now -= 86_400
    twilio.hear(DATE)
    assert twilio.at(moment) == NOON - timedelta(seconds=7)
    assert twilio.ahead == 10 - 86_400


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 2026 12:00:00 GMT", "\x00" * 1000])
def test_a_date_that_cannot_be_read_is_ignored(date: str) -> None:
    twilio = TwilioClock(Clock(NOON.timestamp()))
    twilio.hear(date)
    assert twilio.ahead is None
    twilio.hear(DATE)
    twilio.hear(date)
    assert twilio.ahead == 0
