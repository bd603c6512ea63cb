"""This node's links to the others, and how each of them is, in a few words."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import Any

from supervisor.cluster.link.acts import Acts
from supervisor.cluster.link.errors import NodeUnreachable
from supervisor.cluster.link.link import Link
from supervisor.delivery.hub import Hub
from supervisor.store.ports.cluster.nodes import Node, NodeStore

LINK_SECRET = "link"  # noqa: S105 - the purpose of a derived key


class NodeLinks:
    """The links of this node; alone, or without [node.link], it has none.

    Args:
        epoch: of this node.

    Attributes:
        link: None = this node has none.
        acts: what the other nodes may ask this one for.
    """

    def __init__(self, nodes: NodeStore, epoch: int) -> None:
        self._nodes = nodes
        self._epoch = epoch
        self._known: Mapping[str, Node] = {}
        self.link: Link | None = None
        self.acts = Acts()

    async def start(self, name: str, key: bytes, listener: socket.socket, hub: Hub) -> None:
        """Listen, and link this node with the others from now on.

        Args:
            name: of this node.
            key: of the cluster's links.
        """
        self.link = Link(name, key, listener, self._others, hub, self.acts)
        hub.on_interest(self.link.interest)
        await self.link.start()

    async def aclose(self) -> None:
        """End every link."""
        if self.link is not None:
            await self.link.aclose()

    async def call(self, node: str, name: str, **given: Any) -> Any:
        """Ask another node for an act.

        Raises:
            NodeUnreachable: it cannot be asked.
            XswarmError: it has refused.
        """
        if self.link is None:
            raise NodeUnreachable(node)
        return await self.link.call(node, name, **given)

    def linked(self) -> Sequence[str]:
        """Return the nodes that can be asked."""
        return () if self.link is None else list(self.link.standing())

    def shown(self) -> Mapping[str, str]:
        """Return for each other node how the link to it is; a node that has none is not in it."""
        if self.link is None:
            return {}
        standing = self.link.standing()
        return {
            name: "linked" if name in standing else self.link.why_not(name) or "no link yet"
            for name, node in self._known.items()
            if node.url
        }

    async def _others(self) -> Mapping[str, str]:
        self._known = {node.name: node for node in await self._nodes.live() if node.epoch != self._epoch}
        return {name: node.url for name, node in self._known.items()}
