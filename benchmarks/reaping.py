"""Reaping of 1,000 idle sessions in one pass of the schedule."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

from benchmarks.core import USER, Core, core
from benchmarks.figures import Figure, compare
from supervisor.protocol.messages import SessionId

SESSIONS = 1_000
FEW_SESSIONS = 50
IDLE_SECONDS = 0.001
REACH = "50 ms"


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Measure a pass over idle sessions, and a pass without idle sessions."""
    rounds, count = (2, FEW_SESSIONS) if short else (7, SESSIONS)
    ids = [SessionId(f"idle-{number}") for number in range(count)]
    reap: list[float] = []
    idle: list[float] = []
    bare: list[float] = []
    cpu: list[float] = []
    bare_cpu: list[float] = []
    async with core(folder, idle_timeout=IDLE_SECONDS) as daemon:
        for _ in range(rounds):
            await _connect(daemon, ids)
            await asyncio.sleep(2 * IDLE_SECONDS)
            began, used = time.perf_counter(), time.process_time()
            closed = await daemon.reaper.reap()
            reap.append((time.perf_counter() - began) * 1e3)
            cpu.append((time.process_time() - used) * 1e3)
            if closed != count:
                raise RuntimeError(f"{closed} sessions were reaped, not {count}")
            began = time.perf_counter()
            await daemon.reaper.reap()
            idle.append((time.perf_counter() - began) * 1e3)
            wall, busy = _bare_update(folder, ids)
            bare.append(wall * 1e3)
            bare_cpu.append(busy * 1e3)
    plain = f"one bare transaction of {count:,} updates"
    return [
        compare(f"reaping {count:,} idle sessions", "ms", reap, plain, bare, REACH),
        compare(f"reaping {count:,} idle sessions: CPU", "ms", cpu, f"{plain}, CPU", bare_cpu),
        compare("a pass with nothing to reap", "ms", idle, plain, bare),
    ]


async def _connect(daemon: Core, ids: list[SessionId]) -> None:
    connect = daemon.operations.sessions.connect
    for start in range(0, len(ids), 100):
        batch = ids[start : start + 100]
        await asyncio.gather(*(connect(daemon.caller, i, daemon.project_path, USER) for i in batch))


def _bare_update(folder: Path, ids: list[SessionId]) -> tuple[float, float]:
    """Return the duration and the CPU time, in seconds, of the same number of plain updates."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    try:
        connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
        connection.execute("CREATE TABLE IF NOT EXISTS bare (id TEXT PRIMARY KEY, status TEXT) STRICT")
        keys = [(session_id,) for session_id in ids]
        connection.executemany("INSERT INTO bare VALUES (?, 'idle') ON CONFLICT DO NOTHING", keys)
        began, used = time.perf_counter(), time.process_time()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("UPDATE bare SET status = 'disconnected' WHERE id = ?", keys)
        connection.execute("COMMIT")
        return time.perf_counter() - began, time.process_time() - used
    finally:
        connection.close()
