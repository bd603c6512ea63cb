"""What the doctor says of a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.doctor.cluster import examine
from supervisor.protocol.ports.checks import Standing


def node(name: str, **changed: Any) -> dict[str, Any]:
    known = {
        "name": name,
        "lease_ms": 9000,
        "draining": False,
        "version": "1.0",
        "labels": [],
        "link": "linked",
        "other_secrets": [],
    }
    return known | changed


def body(*nodes: dict[str, Any], **changed: Any) -> dict[str, Any]:
    server = {
        "behind_ms": 3,
        "writer": "",
        "held_ms": 0,
        "settings": {"server_version": "15.18", "synchronous_standby_names": ""},
        "abandoned": [],
        "led": ["sms"],
        "waiting": [],
    }
    return {"nodes": list(nodes) or [node("a", link="this node"), node("b")], "server": server | changed}


def test_on_sqlite_there_is_no_cluster() -> None:
    assert examine({"nodes": [], "server": None}, ["sms"]) == []


def test_a_cluster_that_is_well_has_no_warning() -> None:
    checks = examine(body(), ["sms"])
    assert {check.status for check in checks} == {Standing.OK}
    assert "2 nodes" in checks[0].detail
    assert "without a synchronous standby" in checks[-1].detail


def test_a_node_that_is_alone_has_no_link_to_check() -> None:
    assert "links" not in [check.name for check in examine(body(node("a", link="this node")), [])]


def test_a_node_of_an_older_version_that_tells_less_is_no_fault() -> None:
    found = body(node("a", link="this node"), node("b"))
    for one in found["nodes"]:
        del one["other_secrets"]
    assert {check.status for check in examine(found, ["sms"])} == {Standing.OK}


@pytest.mark.parametrize(
    ("found", "name", "part"),
    [
        (body(node("a", link="this node"), node("b", lease_ms=-5)), "nodes", "the lease of b is over"),
        (body(node("a", link="this node"), node("b", link="timed out")), "links", "b: timed out"),
        (body(node("a", link="this node"), node("b", link="")), "links", "b: it has no [node.link]"),
        (
            body(node("a", link="this node"), node("b", other_secrets=["SUPERVISOR_TOKEN", "XSWARM_JWT_SECRET"])),
            "common secrets",
            "another value than at this node: SUPERVISOR_TOKEN, XSWARM_JWT_SECRET of b",
        ),
        (body(behind_ms=3_600_000), "clock", "3600.0 s behind that of the database"),
        (body(behind_ms=-1_500), "clock", "1.5 s ahead of that of the database"),
        (body(writer="xswarm b/7", held_ms=9_000), "write lock", "xswarm b/7 holds the lock of writes for 9 s"),
        (body(waiting=["site"]), "projects", "no node that runs has the folder of site; messages wait"),
        (body(abandoned=["project//srv"]), "projects", "left by a dead node: project//srv"),
        (body(led=[]), "channel leaders", "no node sends the replies of sms"),
    ],
)
def test_what_is_wrong_is_said_with_a_remedy(found: dict[str, Any], name: str, part: str) -> None:
    (warning,) = [check for check in examine(found, ["sms"]) if check.status is not Standing.OK]
    assert (warning.name, warning.status) == (name, Standing.WARNING)
    assert part in warning.detail
    assert warning.remedy
