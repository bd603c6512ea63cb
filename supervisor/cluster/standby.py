"""Who may be active: of the nodes that live, the one that joined first. The others stand by until it is gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from supervisor.cluster.cluster import Cluster
from supervisor.protocol.errors import StorageError
from supervisor.store.ports.cluster.nodes import Fenced, Node

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Pause between two looks whether the active node still lives, in seconds."""


def ahead_of(cluster: Cluster) -> Node | None:
    """Return the node that is active before this one; None = this one may be active.

    Raises:
        Fenced: this node does not live any more.
    """
    if all(node.epoch != cluster.epoch for node in cluster.live):
        raise Fenced
    first = cluster.live[0]
    return None if first.epoch == cluster.epoch else first


async def wait_for_turn(cluster: Cluster, stop: asyncio.Event, told: Callable[[Node], Awaitable[None]]) -> bool:
    """Return True as soon as this node may be active; False = it is to stop before.

    Args:
        told: called with the active node when that is another, and when it is another than before.

    Raises:
        Fenced: this node does not live any more.
    """
    known, works = 0, True
    while not stop.is_set():
        try:
            await cluster.look()
            active = ahead_of(cluster)
        except Fenced:
            raise
        except StorageError as error:
            if works:
                logger.warning("this node cannot see the others: %s", error)
            works = False
        else:
            works = True
            if active is None:
                return True
            if active.epoch != known:
                known = active.epoch
                await told(active)
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await stop.wait()
    return False
