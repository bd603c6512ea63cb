"""`xswarm claude cost`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Command
from tests.cli.daemon_stand_in import DaemonStandIn

ROW = {"key": "alice", "cost_usd": 0.000123, "message_count": 1234, "input_tokens": 56_789, "output_tokens": 12}


def test_cost_is_shown_by_row_with_its_total(daemon: DaemonStandIn, xswarm: Command) -> None:
    daemon.records.costs = [ROW]
    header, _, row, _, total = xswarm("claude", "cost").out.splitlines()
    assert header.split() == ["USER", "COST", "MESSAGES", "TOKENS", "IN", "TOKENS", "OUT"]
    assert row.split() == ["alice", "$0.000123", "1,234", "56,789", "12"]
    assert total == "Total: $0.000123"


def test_limits_stand_below_the_total(daemon: DaemonStandIn, xswarm: Command) -> None:
    daemon.records.costs = [ROW]
    daemon.records.budgets = [
        {"scope": "session", "id": "s1", "limit_usd": 2.0, "spent_usd": 0.5},
        {"scope": "user", "id": "alice", "limit_usd": 5.0, "spent_usd": 1.2},
        {"scope": "system", "id": "", "limit_usd": 50.0, "spent_usd": 0.0},
    ]
    assert xswarm("claude", "cost").out.splitlines()[-4:] == [
        "Total: $0.000123",
        "Session s1: $0.50 of $2.00",
        "Today: $1.20 of $5.00 (alice)",
        "Today: $0.00 of $50.00 (everybody)",
    ]
    assert xswarm("claude", "cost", "--json").document["budgets"] == daemon.records.budgets


def test_json_is_total_and_rows(daemon: DaemonStandIn, xswarm: Command) -> None:
    daemon.records.costs = [ROW]
    assert xswarm("claude", "cost", "--json").document == {"total_usd": 0.000123, "rows": [ROW]}


def test_question_carries_user_days_and_grouping(daemon: DaemonStandIn, xswarm: Command) -> None:
    xswarm("claude", "cost", "alice", "--by", "model", "--since", "2026-01-01", "--until", "2026-02-01")
    asked = {key: daemon.requests[-1][key] for key in ("user_id", "group_by", "since", "until")}
    assert asked == {"user_id": "alice", "group_by": "model", "since": "2026-01-01", "until": "2026-02-01"}


def test_rows_are_users_or_the_days_of_one(daemon: DaemonStandIn, xswarm: Command) -> None:
    xswarm("claude", "cost")
    assert daemon.requests[-1]["group_by"] == "user"
    xswarm("claude", "cost", "alice")
    assert daemon.requests[-1]["group_by"] == "day"


def test_nothing_spent_is_a_total_of_nothing(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("claude", "cost").out == "Total: $0.00\n"


def test_unknown_user_is_exit_code_4(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("claude", "cost", "nobody").code == 4


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "20260101", "2026-01-01T00:00:00Z", "2026-W01-1"])
def test_days_must_be_days(daemon: DaemonStandIn, xswarm: Command, day: str) -> None:
    outcome = xswarm("claude", "cost", "--since", day)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--since" in outcome.err


def test_unknown_grouping_is_wrong_usage(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("claude", "cost", "--by", "mood").code == 2
