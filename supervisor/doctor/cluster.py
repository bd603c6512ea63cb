"""The nodes on one PostgreSQL database, as the daemon of this machine sees them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from supervisor.protocol.ports.checks import Check, Standing
from supervisor.protocol.text.amounts import counted

MOST_APART_MS = 1_000
"""Difference of a clock to that of the database that is a warning, in milliseconds."""

LONG_HELD_MS = 5_000
"""How long one node may hold the lock of writes before it is a warning, in milliseconds."""

LINKED = ("linked", "this node")


def examine(body: Mapping[str, Any], channels: Collection[str]) -> list[Check]:
    """Check a cluster; on SQLite there is none.

    Args:
        body: the answer of GET /api/admin/nodes.
        channels: that are configured.
    """
    server = body["server"]
    if server is None:
        return []
    return [
        _nodes(body["nodes"]),
        *([_links(body["nodes"]), _secrets(body["nodes"])] if len(body["nodes"]) > 1 else []),
        _clock(server["behind_ms"]),
        _lock(server["writer"], server["held_ms"]),
        _projects(server["abandoned"], server["waiting"]),
        _leaders(sorted(set(channels) - set(server["led"]))),
        _replication(server["settings"]),
    ]


def _nodes(nodes: Sequence[Mapping[str, Any]]) -> Check:
    over = [node["name"] for node in nodes if node["lease_ms"] <= 0]
    if over:
        detail = f"the lease of {', '.join(over)} is over"
        return _warning("nodes", detail, "the others take over within seconds; see that node's log")
    shown = ", ".join(
        f"{node['name']} ({'draining, ' if node['draining'] else ''}{node['version']}, {node['lease_ms'] / 1000:.0f} s)"
        for node in nodes
    )
    return _ok("nodes", f"{counted(len(nodes), 'node')} with version and lease: {shown}")


def _links(nodes: Sequence[Mapping[str, Any]]) -> Check:
    broken = [
        f"{node['name']}: {node['link'] or 'it has no [node.link]'}" for node in nodes if node["link"] not in LINKED
    ]
    if broken:
        remedy = "look at node.link and node.url on both sides, and at what is between them"
        return _warning("links", "; ".join(broken), remedy)
    return _ok("links", "this node is linked with every other")


def _secrets(nodes: Sequence[Mapping[str, Any]]) -> Check:
    # A daemon of an older version, which runs on while it is upgraded, does not tell.
    other = [f"{', '.join(found)} of {node['name']}" for node in nodes if (found := node.get("other_secrets"))]
    if other:
        remedy = "give all nodes the same, and start one after the other again"
        return _warning("common secrets", f"another value than at this node: {'; '.join(other)}", remedy)
    return _ok("common secrets", "those of the other nodes are the same as here")


def _clock(behind_ms: int) -> Check:
    if abs(behind_ms) > MOST_APART_MS:
        way = "behind" if behind_ms > 0 else "ahead of"
        detail = f"the clock of this machine is {abs(behind_ms) / 1000:.1f} s {way} that of the database"
        return _warning("clock", detail, "let NTP set both; leases are not affected, expiries are")
    return _ok("clock", f"{abs(behind_ms)} ms from that of the database")


def _lock(writer: str, held_ms: int) -> Check:
    if held_ms > LONG_HELD_MS:
        detail = f"{writer} holds the lock of writes for {held_ms / 1000:.0f} s; everybody waits for it"
        return _warning("write lock", detail, "`xswarm node fence NAME` ends that node")
    return _ok("write lock", "nobody holds it for long")


def _projects(abandoned: Sequence[str], waiting: Sequence[str]) -> Check:
    if waiting:
        detail = f"no node that runs has the folder of {', '.join(waiting)}; messages wait for it"
        return _warning("projects", detail, "start a node that `nodes` of the project names, or mount its folder there")
    if abandoned:
        return _warning(
            "projects", f"left by a dead node: {', '.join(abandoned)}", "another node takes over when work comes"
        )
    return _ok("projects", "each has a node")


def _leaders(without: Sequence[str]) -> Check:
    if without:
        detail = f"no node sends the replies of {', '.join(without)}"
        return _warning("channel leaders", detail, "it is claimed within seconds; else the nodes' logs tell why")
    return _ok("channel leaders", "each channel has one")


def _replication(settings: Mapping[str, str]) -> Check:
    standbys = settings.get("synchronous_standby_names", "")
    detail = f"PostgreSQL {settings.get('server_version', '')}, "
    detail += (
        "with a synchronous standby" if standbys else "without a synchronous standby: what it alone has is lost with it"
    )
    return _ok("database server", detail)


def _ok(name: str, detail: str) -> Check:
    return Check(name=name, status=Standing.OK, detail=detail)


def _warning(name: str, detail: str, remedy: str) -> Check:
    return Check(name=name, status=Standing.WARNING, detail=detail, remedy=remedy)
