"""A new session with the echo connector: from `claude_code_connect` to `claude_code_connected`, all committed."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.bare import bare_table
from benchmarks.core import USER, core
from benchmarks.figures import Figure, compare, percentile
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import SessionId

REACH = "2 ms"


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Measure through `operations`, which all wires call."""
    rounds, each = (2, 10) if short else (7, 150)
    p50: list[float] = []
    p99: list[float] = []
    cpu: list[float] = []
    bare_p50: list[float] = []
    bare_p99: list[float] = []
    bare_cpu: list[float] = []
    async with core(folder) as daemon:
        with bare_table(folder) as bare:
            for _ in range(rounds):
                took = []
                used = time.process_time()
                for _ in range(each):
                    began = time.perf_counter()
                    await daemon.operations.sessions.connect(
                        daemon.caller, SessionId(uuid7()), daemon.project_path, USER
                    )
                    took.append((time.perf_counter() - began) * 1e3)
                cpu.append((time.process_time() - used) / each * 1e3)
                p50.append(percentile(took, 50))
                p99.append(percentile(took, 99))
                used = time.process_time()
                commits = [seconds * 1e3 for seconds in bare.commit_seconds(times=each)]
                bare_cpu.append((time.process_time() - used) / each * 1e3)
                bare_p50.append(percentile(commits, 50))
                bare_p99.append(percentile(commits, 99))
    return [
        compare("session record to connected: p50", "ms", p50, "one bare commit, p50", bare_p50, REACH),
        compare("session record to connected: p99", "ms", p99, "one bare commit, p99", bare_p99),
        compare("session record to connected: CPU", "ms", cpu, "one bare commit, CPU", bare_cpu),
    ]
