"""Which channels this node leads. It gives one up whose provider it cannot reach, while another node may."""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from supervisor.cluster.resources import Resources, channel_resource

logger = logging.getLogger(__name__)

FAILURES = 3
"""After so many attempts in a row that did not reach the provider, the lead is given up."""

FAILING_SECONDS = 4.0
"""They take at least so long, in seconds: a provider that is away for a moment is away for all."""

YIELD_SECONDS = 10.0
"""For so long a node leaves a channel that it has given up to the others, in seconds; they look every 2 s."""

FIRST_PAUSE_SECONDS = 300.0
"""How long it does not give the channel up again, in seconds: where no node reaches the provider, one keeps it."""

LONGEST_PAUSE_SECONDS = 3600.0
"""The pause doubles each time up to this, in seconds."""


@dataclass(slots=True)
class _Channel:
    """How a channel's provider was reached from here.

    Attributes:
        failures: in a row.
        since: when the first of them was.
        pause: the last one, see `FIRST_PAUSE_SECONDS`; 0 = the provider was reached since, or always.
        kept_until: until then, the channel is not given up again.
        left_until: until then, the channel is left to the others.
    """

    failures: int = 0
    since: float = 0.0
    pause: float = 0.0
    kept_until: float = 0.0
    left_until: float = 0.0


class Leads:
    """Claims the channels that nobody leads.

    Args:
        has_others: whether other nodes live, which may take a channel over.
        clock: in seconds; it never goes back.
    """

    def __init__(
        self, resources: Resources, has_others: Callable[[], bool], *, clock: Callable[[], float] = monotonic
    ) -> None:
        self._resources = resources
        self._has_others = has_others
        self._clock = clock
        self._channels: defaultdict[str, _Channel] = defaultdict(_Channel)

    def leads(self, name: str) -> bool:
        """Return whether this node delivers the replies of a channel, and asks its provider."""
        return self._resources.owns(channel_resource(name))

    def tried(self, name: str, *, reached: bool) -> None:
        """Note whether the provider of a channel was reached from here."""
        channel = self._channels[name]
        if reached:
            channel.failures, channel.pause, channel.kept_until = 0, 0.0, 0.0
            return
        if not channel.failures:
            channel.since = self._clock()
        channel.failures += 1

    def is_lost(self, name: str) -> bool:
        """Return whether this node should give a channel up: another one may reach the provider."""
        channel, now = self._channels[name], self._clock()
        failing = channel.failures >= FAILURES and now - channel.since >= FAILING_SECONDS
        return failing and now >= channel.kept_until and self._resources.is_shared and self._has_others()

    async def give_up(self, name: str) -> None:
        """Leave a channel to the others; nothing of this node may be on its way to the provider.

        Raises:
            StorageError: it is this node's still.
        """
        channel, now = self._channels[name], self._clock()
        channel.left_until = now + YIELD_SECONDS  # before the release, during which this node would claim it again
        try:
            await self._resources.release(channel_resource(name))
        except BaseException:
            channel.left_until = 0.0
            raise
        channel.pause = min(LONGEST_PAUSE_SECONDS, max(FIRST_PAUSE_SECONDS, 2 * channel.pause))
        channel.kept_until = now + channel.pause * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
        channel.failures = 0
        logger.warning("%s: the provider cannot be reached from this node, so another one may take over", name)

    async def claim(self, name: str) -> None:
        """Claim a channel, if nobody has it.

        Raises:
            StorageError: it is not known.
        """
        if self._clock() >= self._channels[name].left_until or not self._has_others():
            await self._resources.claim(channel_resource(name))
