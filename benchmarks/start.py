"""The start of the daemon until it is ready, and the memory that it takes while nothing happens."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.daemon import running_daemon
from benchmarks.figures import Figure, compare
from benchmarks.process import Watched, started
from supervisor.core.connectors import WARM_UP_AFTER_SECONDS

MIB = 1024 * 1024
IDLE_CPU = 0.05
"""CPU seconds in a second, below which a process counts as idle."""

BARE = "empty FastAPI handler"


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Start the daemon and the baseline in turn, each with a state folder of its own."""
    rounds = 1 if short else 7
    wall: dict[str, list[float]] = {"ours": [], "bare": []}
    cpu: dict[str, list[float]] = {"ours": [], "bare": []}
    memory: dict[str, list[float]] = {"ours": [], "bare": []}
    first: list[float] = []
    for number in range(rounds):
        place = folder / str(number)
        place.mkdir()
        began = time.perf_counter()
        async with started("benchmarks.empty_handler") as process:
            wall["bare"].append(time.perf_counter() - began)
            cpu["bare"].append(process.cpu_seconds())
            memory["bare"].append(process.resident_bytes() / MIB)
        began = time.perf_counter()
        async with running_daemon(place) as daemon:
            wall["ours"].append(time.perf_counter() - began)
            cpu["ours"].append(daemon.process.cpu_seconds())
            first.append(daemon.process.resident_bytes() / MIB)
            await _settled(daemon.process)
            memory["ours"].append(daemon.process.resident_bytes() / MIB)
    return [
        compare("from the command to ready", "s", wall["ours"], BARE, wall["bare"], "1 s"),
        compare("CPU of the start", "s", cpu["ours"], BARE, cpu["bare"]),
        compare("memory when it is ready", "MiB", first, BARE, memory["bare"], "100 MiB"),
        compare("memory of the idle daemon", "MiB", memory["ours"], BARE, memory["bare"], "100 MiB"),
    ]


async def _settled(process: Watched) -> None:
    """Wait until a process has loaded what it loads in the background: it uses hardly any CPU for a second."""
    await asyncio.sleep(WARM_UP_AFTER_SECONDS)
    used = process.cpu_seconds()
    while True:
        await asyncio.sleep(1)
        before, used = used, process.cpu_seconds()
        if used - before < IDLE_CPU:
            return
