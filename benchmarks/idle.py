"""The memory of the daemon for 10,000 authenticated clients that send nothing."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from websockets.asyncio.client import connect

from benchmarks.clients import authenticate
from benchmarks.daemon import running_daemon
from benchmarks.figures import Figure, compare
from benchmarks.process import Watched, started

REACH = "250 MiB"
PER_ADDRESS = 5_000
"""Connections per loopback address; fewer than the number of free ports."""
AT_A_TIME = 100
MIB = 1024 * 1024
PAGE = 4096


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Measure the memory above that of the idle process, and the CPU time per new connection."""
    clients, seconds = (100, 0.1) if short else (10_000, 5.0)
    _allow_files(clients + 1_000)
    async with started("benchmarks.echo_server") as echo:
        bare = await _grown(echo, echo.first_line, None, clients, seconds)
    async with running_daemon(folder) as daemon:
        resident = daemon.process.resident_bytes()
        ours = await _grown(daemon.process, daemon.socket_url, daemon.token, clients, seconds)
    what, plain = f"{clients:,} idle clients", f"bare echo server, {clients:,} clients"
    return [
        compare(f"{what}: memory above the idle daemon", "MiB", [ours[0] / MIB], plain, [bare[0] / MIB], REACH),
        compare(f"{what}: memory each", "KiB", [ours[0] / clients / 1024], plain, [bare[0] / clients / 1024]),
        compare(f"{what}: server's CPU per connection made", "us", [ours[1] * 1e6], plain, [bare[1] * 1e6]),
        compare(f"{what}: server's CPU while they idle", "%", [ours[2] * 100], "a whole core", [100.0]),
        compare("the idle daemon itself", "MiB", [resident / MIB], "bare echo server", [bare[3] / MIB]),
    ]


async def _grown(
    server: Watched, url: str, token: str | None, clients: int, seconds: float
) -> tuple[float, float, float, float]:
    """Return the growth in bytes, CPU seconds per connection, the share of a core while idle, and the bytes before."""
    before, used = server.resident_bytes(), server.cpu_seconds()
    async with _idle_clients(url, token, clients):
        per_connection = (server.cpu_seconds() - used) / clients
        used = server.cpu_seconds()
        await asyncio.sleep(seconds)
        idling = (server.cpu_seconds() - used) / seconds
        grown = max(server.resident_bytes() - before, PAGE)  # growth is measured in pages
        return grown, per_connection, idling, before


@asynccontextmanager
async def _idle_clients(url: str, token: str | None, count: int) -> AsyncIterator[None]:
    """Keep that many connections open; with a token, each is authenticated."""
    async with AsyncExitStack() as stack:

        async def open_one(number: int) -> None:
            address = (f"127.0.0.{1 + number // PER_ADDRESS}", 0)
            options = connect(url, compression=None, ping_interval=None, close_timeout=1, local_addr=address)
            connection = await options
            stack.callback(connection.transport.abort)
            if token is not None:
                await authenticate(connection, token)

        for first in range(0, count, AT_A_TIME):
            await asyncio.gather(*(open_one(number) for number in range(first, min(first + AT_A_TIME, count))))
        yield


def _allow_files(count: int) -> None:
    """Raise our limit of open files.

    Raises:
        RuntimeError: the hard limit is too low.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise RuntimeError(f"{count} open files are needed, {hard} are allowed: raise the limit (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(count, hard) if hard > 0 else count), hard))
