"""The tasks that run as long as the daemon: each channel's listener, and the delivery of each channel's replies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from supervisor.delivery.outbox import Outbox
from supervisor.protocol.ports.channel import Channel
from supervisor.runtime.children import Child, Health

logger = logging.getLogger(__name__)

READY_SECONDS = 10.0
"""How long the start waits until the channels listen, in seconds."""


class Children:
    """Starts the tasks, says which of them work, and ends them; each is restarted when it fails."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    async def start(self, channels: Sequence[Channel], outbox: Outbox) -> None:
        """Start each channel and each delivery as a child that is restarted when it fails, and log which ones fail."""

        def delivery(name: str) -> Child:
            async def run(ready: Callable[[], None]) -> None:
                ready()
                await outbox.run(name)

            return Child(f"replies by {name}", run)

        listeners = [Child(channel.name, channel.run) for channel in channels]
        self._children = [*listeners, *(delivery(name) for name in outbox.channels())]
        for child in self._children:
            child.start()
        await asyncio.gather(*(child.settled(READY_SECONDS) for child in self._children))
        for child in self._children:
            if child.health is not Health.OK:
                logger.error("%s does not work yet: %s", child.name, child.why)

    def working(self) -> Mapping[str, bool]:
        """Return for each part of the daemon but the store whether it works, for /readyz: never a provider."""
        return {child.name: child.health is Health.OK for child in self._children}

    async def aclose(self) -> None:
        """Cancel every task and wait for its end."""
        await asyncio.gather(*(child.aclose() for child in self._children))
