"""`xswarm route`."""

from __future__ import annotations

from tests.cli.conftest import Command
from tests.cli.daemon_stand_in import DaemonStandIn


def test_route_says_where_and_why(daemon: DaemonStandIn, xswarm: Command) -> None:
    outcome = xswarm("route", "run the tests", "--user", "alice", "--channel", "sms")
    assert outcome.out == "To Claude Code, project website (keyword 'test').\n"
    assert daemon.admin_requests[-1][2] == {"text": "run the tests", "user_id": "alice", "channel": "sms"}
    assert xswarm("route", "hello").out.startswith("To the assistant (")


def test_route_as_json(daemon: DaemonStandIn, xswarm: Command) -> None:
    document = xswarm("route", "run the tests", "--json").document
    assert document == {"target": "claude_code", "reason": "keyword 'test'", "project": "website"}


def test_route_needs_the_daemon(xswarm: Command) -> None:
    outcome = xswarm("route", "hello", "--json")
    assert (outcome.code, outcome.out) == (3, "")
