"""Ports for servers that get theirs before they start, or that come back on the same one."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import suppress

FIRST, END = 12_000, 32_000
"""Below the ports that Linux lends to clients and to servers on port 0 (net.ipv4.ip_local_port_range, from 32768)."""

SHARE = 500
"""So many ports belong to one process that runs tests."""

STEP = 10
"""From one port that is given to the next: the stand-ins of the demo listen on the two ports behind the daemon's."""


def free_port() -> int:
    """Return a port of loopback that is free, and that nobody gets who did not ask for just this one."""
    return free_ports(1)


def free_ports(count: int) -> int:
    """Return the first of some free ports in a row, `STEP` at most."""
    assert count <= STEP
    while True:
        first = next(_candidates)
        if all(_is_free(first + number) for number in range(count)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _numbers() -> Iterator[int]:
    """Yield the ports of this process again and again: those of a share that no other process has, of any checkout."""
    with socket.socket() as mine:
        share = _taken(mine)
        while True:
            yield from range(share + STEP, share + SHARE, STEP)


def _taken(mine: socket.socket) -> int:
    """Take a share by binding a socket to its first port; return that port."""
    shares = range(FIRST, END, SHARE)
    for share in random.sample(shares, len(shares)):
        with suppress(OSError):
            mine.bind(("127.0.0.1", share))
            return share
    return random.choice(shares)


_candidates = _numbers()
