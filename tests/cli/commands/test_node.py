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


def test_a_node_is_drained_and_fenced_by_its_name(daemon: DaemonStandIn, xswarm: Command) -> None:
    assert "Node rack-2 drains" in xswarm("node", "drain", "rack-2").out
    assert daemon.admin_requests[-1][:2] == ("POST", "nodes/rack-2/drain")
    assert "Node rack-2 is fenced" in xswarm("node", "fence", "rack-2").out
    assert daemon.admin_requests[-1][:2] == ("POST", "nodes/rack-2/fence")
    assert xswarm("node", "fence", "rack-9").code == 4
