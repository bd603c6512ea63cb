"""100 Claude Code sessions at the same time: the memory of each, and the CPU time while they are idle."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.claude import PROMPT, Sdk
from benchmarks.core import USER, Core, core
from benchmarks.figures import Figure, compare
from benchmarks.process import started
from connectors.claude_code.process import tree
from connectors.claude_code.process.allowance import proportional
from supervisor.operations.work_request import WorkRequest
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import SessionId

SESSIONS = 100
FEW_SESSIONS = 3
ALONE = "one ClaudeSDKClient alone"
MIB = 1024 * 1024
TICKS = os.sysconf("SC_CLK_TCK")
SELF = resource.RUSAGE_SELF


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Connect all sessions, run one turn in each, and measure memory and CPU time."""
    count, seconds = (FEW_SESSIONS, 0.5) if short else (SESSIONS, 10.0)
    async with started("benchmarks.model_server") as model:
        alone_mib, alone_idle = await _alone(Sdk(folder / "sdk", model.first_line), seconds)
        async with core(folder, connector="claude_code", upstream=model.first_line) as daemon:
            outside, own = set(tree.table()), _resident()
            began = time.perf_counter()
            ids = [SessionId(f"live-{uuid7()}") for _ in range(count)]
            await asyncio.gather(
                *(daemon.operations.sessions.connect(daemon.caller, i, daemon.project_path, USER) for i in ids)
            )
            connecting = (time.perf_counter() - began) / count
            began = time.perf_counter()
            await asyncio.gather(*(_turn(daemon, session_id) for session_id in ids))
            answering = (time.perf_counter() - began) / count
            pids = _new(outside)
            held = proportional(pids) / MIB / count
            idle = await _idle(pids, seconds) / count
            grown = max(_resident() - own, 1) / 1024 / count
            used = _own_cpu()
            await asyncio.sleep(seconds)
            ours = (_own_cpu() - used) / seconds
    what = f"{count} live sessions"
    return [
        compare(f"{what}: memory of each", "MiB", [held], ALONE, [alone_mib]),
        compare(f"{what}: CPU of each while idle", "% of a core", [idle * 100], ALONE, [alone_idle * 100]),
        compare(f"{what}: the daemon's memory for each", "KiB", [grown], "memory of each", [held * 1024]),
        compare(f"{what}: the daemon's CPU while they idle", "% of a core", [ours * 100], "a whole core", [100.0]),
        compare(
            f"{what}: connecting each, two at a time", "s", [connecting], "a turn of each, all at once", [answering]
        ),
    ]


async def _turn(daemon: Core, session_id: SessionId) -> None:
    """Run one turn of a session; a refused turn fails the benchmark."""
    asked = WorkRequest(caller=daemon.caller, channel="socket")
    await daemon.operations.messages.answer(await daemon.operations.messages.send(asked, session_id, PROMPT, None))


async def _alone(sdk: Sdk, seconds: float) -> tuple[float, float]:
    """Return the memory of a bare client in MiB after a turn, and its share of a core while idle."""
    outside = set(tree.table())
    async with sdk.client(session_id=str(uuid7())) as client:
        await sdk.turn(client)
        pids = _new(outside)
        return proportional(pids) / MIB, max(await _idle(pids, seconds), 1e-6)


def _new(outside: set[int]) -> list[int]:
    """Return the pids of our descendants that are not in `outside`."""
    table = tree.table()
    below = {os.getpid()}
    grown = True
    while grown:
        more = {pid for pid, entry in table.items() if entry.parent in below} - below
        below |= more
        grown = bool(more)
    return sorted(below - outside - {os.getpid()})


async def _idle(pids: Iterable[int], seconds: float) -> float:
    """Return the share of a core that the processes use while idle."""
    used = sum(map(_cpu, pids))
    await asyncio.sleep(seconds)
    return (sum(map(_cpu, pids)) - used) / seconds


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS  # utime and stime of proc(5)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _own_cpu() -> float:
    used = resource.getrusage(SELF)
    return used.ru_utime + used.ru_stime
