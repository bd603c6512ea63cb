"""The links of a node, as its operator is told of them."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from supervisor.core.link import NodeLinks
from supervisor.delivery.hub import Hub
from tests.supervisor.cluster.nodes import FakeNodes, node
from tests.waiting import until

KEY = b"k" * 32


@asynccontextmanager
async def linked(name: str, epoch: int, nodes: FakeNodes, key: bytes = KEY) -> AsyncIterator[NodeLinks]:
    """Start the links of a node, and tell the others where they are."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    links = NodeLinks(nodes, epoch)
    nodes.nodes.append(replace(node(epoch, name), url=f"ws://127.0.0.1:{listener.getsockname()[1]}"))
    await links.start(name, key, listener, Hub())
    try:
        yield links
    finally:
        await links.aclose()


async def test_nodes_are_linked_or_it_is_said_why_they_are_not() -> None:
    nodes = FakeNodes(1, node(9, "without"))
    async with linked("a", 1, nodes) as a, linked("b", 2, nodes) as b, linked("c", 3, nodes, b"o" * 32):
        await until(lambda: a.shown().get("b") == "linked" == b.shown().get("a"), "a and b are linked")
        await until(lambda: "XSWARM_CLUSTER_SECRET" in a.shown().get("c", ""), "a says why c is not")
        assert "without" not in a.shown()
    assert NodeLinks(nodes, 1).shown() == {}
