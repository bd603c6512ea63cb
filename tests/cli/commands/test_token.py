"""`xswarm token` over the admin API."""

from __future__ import annotations

from tests.cli.conftest import Command
from tests.cli.daemon_stand_in import DaemonStandIn


def test_token_is_printed_alone_and_once(daemon: DaemonStandIn, xswarm: Command) -> None:
    outcome = xswarm("token", "create", "--service", "webhooks", "--expires", "90")
    assert (outcome.code, outcome.out) == (0, "xsw_secret_1\n")
    assert daemon.admin_requests[-1][2] == {"service": "webhooks", "expires_days": 90}
    assert "xsw_secret" not in xswarm("token", "list").out + xswarm("token", "list", "--json").out


def test_token_of_a_user(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("token", "create", "--user", "alice", "--json").document["token"] == "xsw_secret_1"
    assert daemon.admin_requests[-1][2] == {"user_id": "alice"}


def test_token_is_for_a_user_or_a_service(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert xswarm("token", "create").code == 2
    assert xswarm("token", "create", "--user", "a", "--service", "b").code == 2
    assert xswarm("token", "create", "--user", "a", "--expires", "0").code == 2


def test_tokens_are_listed(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert "xswarm token create" in xswarm("token", "list").err
    xswarm("token", "create", "--service", "webhooks")
    assert "every user" in xswarm("token", "list").out


def test_token_is_revoked(daemon: DaemonStandIn, xswarm: Command) -> None:
    xswarm("token", "create", "--service", "webhooks")
    assert xswarm("token", "revoke", "1").code == 0
    assert daemon.records.tokens["1"]["revoked_at"]
    assert xswarm("token", "revoke", "2").code == 4


def test_jwt_is_printed_alone(daemon: DaemonStandIn, xswarm: Command) -> None:
    outcome = xswarm("token", "jwt", "--user", "alice", "--minutes", "15")
    assert (outcome.code, outcome.out) == (0, "a.b.c\n")
    assert daemon.admin_requests[-1][2] == {"user_id": "alice", "minutes": 15}
    assert xswarm("token", "jwt", "--user", "alice", "--json").document["token"] == "a.b.c"
