"""Admin: the nodes that work on the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from supervisor.cluster.keys import differing
from supervisor.protocol.times import now_ms
from supervisor.store.ports.cluster.nodes import Node, NodeStore
from supervisor.turns.lanes.resources import OF_PROJECT
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.resource import Endpoint, Id

Links = Callable[[], Mapping[str, str]]
"""Returns for each other node how the link of this one to it is, in one or two words."""


class NodeRoutes:
    """The routes of nodes.

    Args:
        epoch: of this node.
        links: None = there is no daemon; who asks has joined for a moment only, and is not shown.
    """

    def __init__(self, nodes: NodeStore, epoch: int, links: Links | None) -> None:
        self._nodes = nodes
        self._epoch = epoch
        self._links = links

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/nodes", self.nodes),
            Endpoint("POST", "/nodes/{name}/drain", self.drain),
            Endpoint("POST", "/nodes/{name}/fence", self.fence),
        ]

    async def nodes(self) -> dict[str, Any]:
        """Return the nodes that live, and how the server of the database does.

        `lease_ms` is what is left of the lease, `link` how this node reaches the other one, `projects` whose folders
        it has (null where it is of a version that does not say), `works_in` in which of them it works now, since every
        turn in a folder is done by one node, `other_secrets` names those that it has in another
        value than this node.
        """
        is_daemon, links = self._links is not None, self._links() if self._links is not None else {}
        live = [node for node in await self._nodes.live() if is_daemon or node.epoch != self._epoch]
        standing, others = await self._nodes.standing(), differing(live, self._epoch)
        owned = standing.owned if standing is not None else {}
        return {
            "nodes": [
                {
                    **self._shown(node, links),
                    "works_in": _projects(owned.get(node.name, ())),
                    "other_secrets": others.get(node.name, []),
                }
                for node in live
            ],
            "server": None if standing is None else asdict(standing),
        }

    async def drain(self, caller: Calling, name: Id) -> dict[str, str]:
        """Ask a node to end its turns and to stop."""
        await self._nodes.drain(name, by=caller.name, now_ms=now_ms())
        return {"name": name}

    async def fence(self, caller: Calling, name: Id) -> dict[str, str]:
        """End a node at once: nothing of it is stored from now on."""
        await self._nodes.fence(name, by=caller.name, now_ms=now_ms())
        return {"name": name}

    def _shown(self, node: Node, links: Mapping[str, str]) -> dict[str, Any]:
        return {
            "name": node.name,
            "epoch": node.epoch,
            "labels": list(node.labels),
            "version": node.version,
            "lease_ms": node.left_ms,
            "draining": node.draining,
            "projects": None if node.projects is None else list(node.projects),
            "link": "this node" if node.epoch == self._epoch else links.get(node.name, ""),
        }


def _projects(resources: Sequence[str]) -> list[str]:
    return [resource.removeprefix(OF_PROJECT) for resource in resources if resource.startswith(OF_PROJECT)]
