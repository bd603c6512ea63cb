"""The arithmetic of limits, reservations and alerts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor.config import BudgetConfig
from supervisor.protocol.times import nanos
from supervisor.spending.limits import (
    Account,
    Scope,
    configured,
    holding,
    most_added,
    offer,
    refuse_call,
    refuse_turn,
    reservation,
)

SYSTEM = Account(scope=Scope.SYSTEM, id="", limit=nanos(10))


def test_a_turn_starts_up_to_the_limit_and_not_beyond() -> None:
    nearly = replace(SYSTEM, spent=nanos(6), held=nanos(3))
    assert refuse_turn([nearly], nanos(1)) is None
    error = refuse_turn([nearly], nanos(1) + 1)
    assert str(error) == "Budget exceeded: system spent $6.00 of $10.00, and $4.00 is set aside for messages"


def test_the_first_limit_that_is_passed_is_named() -> None:
    mine = Account(scope=Scope.USER, id="ada", limit=nanos(2), spent=nanos(2))
    assert str(refuse_turn([SYSTEM, mine], 1)) == "Budget exceeded: user spent $2.00 of $2.00"


def test_a_running_turn_stops_at_the_limit_with_what_others_hold() -> None:
    others = replace(SYSTEM, spent=nanos(4), held=nanos(5))
    assert refuse_call([others], nanos(1) - 1) is None
    assert (
        str(refuse_call([others], nanos(1)))
        == "Budget exceeded: system spent $5.00 of $10.00, and $5.00 is set aside for messages"
    )


def test_what_was_added_lets_a_stopped_turn_go_on() -> None:
    full = replace(SYSTEM, spent=nanos(10))
    assert refuse_call([full], 0) is not None
    assert refuse_call([replace(full, limit=full.limit + nanos(5))], 0) is None


def test_no_limits_refuse_nothing() -> None:
    assert refuse_turn([], nanos(1_000)) is None
    assert refuse_call([], nanos(1_000)) is None


def test_a_reservation_is_never_more_than_a_message_may_cost() -> None:
    assert reservation(nanos(1), None) == nanos(1)
    assert reservation(nanos(1), nanos(0.5)) == nanos(0.5)
    assert reservation(nanos(1), nanos(3)) == nanos(1)


def test_fifty_turns_at_once_pass_the_limit_by_less_than_a_call_each() -> None:
    call, reserved = nanos(0.3), nanos(0.1)
    used: list[int] = []
    while len(used) < 50 and refuse_turn([replace(SYSTEM, held=len(used) * reserved)], reserved) is None:
        used.append(0)
    assert len(used) == 50
    running = set(range(50))
    while running:
        for turn in sorted(running):
            held = sum(holding(reserved, one) for other, one in enumerate(used) if other != turn)
            if refuse_call([replace(SYSTEM, held=held)], used[turn]) is None:
                used[turn] += call
            else:
                running.discard(turn)
    assert SYSTEM.limit - nanos(0.1) * 50 < sum(used) <= SYSTEM.limit + 50 * call


@pytest.mark.parametrize(("limit", "offered"), [(20, "5"), (0.56, "5"), (0.55, "0.55"), (0.001, "0.01")])
def test_what_is_offered_is_within_what_may_be_added(limit: float, offered: str) -> None:
    assert offer(nanos(limit)) == offered
    assert nanos(float(offered)) <= most_added(nanos(limit)) or limit < 0.01


def test_a_limit_that_is_not_set_is_none() -> None:
    limits = BudgetConfig(message_usd=1.0, session_usd=2.0, system_daily_usd=4.0)
    assert [configured(limits, scope) for scope in Scope] == [nanos(1), nanos(2), None, nanos(4)]
    assert configured(None, "session") is None
