"""The addresses of the other nodes: what comes from there may be an agent that this machine cannot look at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from supervisor.cluster.cluster import Cluster
from supervisor.runtime.peers.sockets import address_of, is_own


class NodeAddresses:
    """Knows the machines of the other nodes as of the last look, for a day also of those that are gone."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def are_elsewhere(self, host: str) -> bool:
        """Return whether a text is an address of another node's machine, and not of this one.

        Raises:
            Unknowable: it cannot be told now whether it is of this machine.
        """
        address = _plain(host)
        if not address or not any(address in _of(one) for one in self._cluster.machines):
            return False
        return not await asyncio.to_thread(is_own, host)


def _of(machine: Sequence[str]) -> set[str]:
    """Return the addresses of a machine: those that it has, and the one by which its node is reached."""
    *addresses, url = machine
    return {_plain(one) for one in (*addresses, urlsplit(url).hostname or "")}


def _plain(host: str) -> str:
    """Return an address in one form, an IPv4-mapped one as IPv4; empty = it is a name, or nothing."""
    address = address_of(host.partition("%")[0])
    return "" if address is None else str(address)
