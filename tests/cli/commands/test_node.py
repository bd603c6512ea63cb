"""`xswarm node` over the admin API."""

from __future__ import annotations

from tests.cli.conftest import Command
from tests.cli.daemon_stand_in import DaemonStandIn


def test_nodes_are_listed(daemon: DaemonStandIn, xswarm: Command) -> None:
    out = xswarm("node", "list").out
    assert [line.split()[:2] for line in out.splitlines() if "rack" in line] == [
        ["rack-1", "lives"],
        ["rack-2", "draining"],
    ]
    assert [one["name"] for one in xswarm("node", "list", "--json").document] == ["rack-1", "rack-2"]


def test_a_node_tells_its_projects_and_whose_messages_wait_for_a_node_is_said(
    daemon: DaemonStandIn, xswarm: Command
) -> None:
    daemon.records.without_node = ["shop"]
    listed = xswarm("node", "list")
    assert [line.split()[5:] for line in listed.out.splitlines() if "rack" in line] == [["site", "barn"], ["?"]]
    assert listed.err == "No node that has the project shop is running; its messages wait.\n"


def test_a_node_is_drained_and_fenced_by_its_name(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert "Node rack-2 drains" in xswarm("node", "drain", "rack-2").out
    assert daemon.admin_requests[-1][:2] == ("POST", "nodes/rack-2/drain")
    assert "Node rack-2 is fenced" in xswarm("node", "fence", "rack-2").out
    assert daemon.admin_requests[-1][:2] == ("POST", "nodes/rack-2/fence")
    assert xswarm("node", "fence", "rack-9").code == 4


def test_a_daemon_on_sqlite_has_no_secret_to_forget(xswarm: Command) -> None:
    refused = xswarm("node", "forget-secret")
    assert refused.code != 0
    assert "store.url: names no PostgreSQL database" in refused.err
