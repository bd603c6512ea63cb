"""A turn is ended when it takes too long, and never because a person takes their time."""

from __future__ import annotations

from connectors.claude_code.watchdog import TimeLimits, Watchdog

LIMITS = TimeLimits(turn=100.0, silence=30.0, acceptance=20.0, dropped=2.0)


def due(watchdog: Watchdog, now: float, *, accepted: bool = True, ignored: bool = False, tool: bool = False) -> str:
    return watchdog.due(now, accepted=accepted, ignored=ignored, tool_running=tool) or ""


def test_silence_ends_a_turn() -> None:
    watchdog = Watchdog(LIMITS, 0.0)
    watchdog.heard(10.0)
    assert not due(watchdog, 39.9)
    assert due(watchdog, 40.0) == "it gave no sign of life for 30 seconds"


def test_a_running_tool_may_be_silent_up_to_the_turns_limit() -> None:
    watchdog = Watchdog(LIMITS, 0.0)
    assert not due(watchdog, 99.9, tool=True)
    assert due(watchdog, 100.0, tool=True) == "the turn took longer than 100 seconds"


def test_the_time_a_person_takes_to_decide_does_not_count() -> None:
    watchdog = Watchdog(LIMITS, 0.0)
    watchdog.hold(10.0)
    assert not due(watchdog, 5000.0)
    watchdog.release(5000.0)
    assert not due(watchdog, 5029.9)
    watchdog.heard(5089.9)
    assert not due(watchdog, 5089.9)
    assert due(watchdog, 5090.0) == "the turn took longer than 100 seconds"


def test_a_prompt_that_is_not_taken_up_ends() -> None:
    watchdog = Watchdog(LIMITS, 0.0)
    assert not due(watchdog, 19.9, accepted=False)
    assert due(watchdog, 20.0, accepted=False).startswith("it did not take up the message")


def test_a_prompt_that_looks_dropped_ends_sooner() -> None:
    watchdog = Watchdog(LIMITS, 0.0)
    assert not due(watchdog, 1.9, accepted=False, ignored=True)
    assert due(watchdog, 2.0, accepted=False, ignored=True)


def test_a_session_has_its_own_limit_for_a_turn() -> None:
    assert LIMITS.with_turn(7.0) == TimeLimits(turn=7.0, silence=30.0, acceptance=20.0, dropped=2.0)
