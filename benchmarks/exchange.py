"""A prompt and its answer with the echo connector, both committed before the answer leaves; with and without socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bare import TEXT, bare_table
from benchmarks.clients import Round, drive, echo_clients, session_clients
from benchmarks.core import USER, Core, core
from benchmarks.daemon import running_daemon
from benchmarks.figures import Figure, compare, percentile
from benchmarks.process import started
from supervisor.operations.work_request import WorkRequest
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import SessionId

CLIENTS = (1, 50, 500)
FEW_CLIENTS = (1, 10)
REACH_P50 = {1: "2 ms, aim 1 ms"}
REACH_CPU = {50: "0.05, aim 0.1"}


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Measure the socket against a bare echo server, then the core in this process against bare commits."""
    rounds, seconds, counts = (2, 0.1, FEW_CLIENTS) if short else (7, 3.0, CLIENTS)
    by_socket, in_process = folder / "socket", folder / "core"
    for place in (by_socket, in_process):
        place.mkdir()
    figures = await _by_socket(by_socket, counts, rounds, seconds)
    return figures + await _in_process(in_process, counts, rounds, 20 if short else 2_000)


async def _by_socket(folder: Path, counts: Sequence[int], rounds: int, seconds: float) -> list[Figure]:
    """Measure in turn with the bare server, so that other load of the machine affects both."""
    figures: list[Figure] = []
    async with started("benchmarks.echo_server") as echo, running_daemon(folder) as daemon:
        for clients in counts:
            ours: list[Round] = []
            bare: list[Round] = []
            async with (
                echo_clients(echo.first_line, clients) as plain,
                session_clients(daemon.socket_url, daemon.token, daemon.project_path, clients) as real,
            ):
                await drive(real, daemon.process, seconds / 3)  # warm up
                await drive(plain, echo, seconds / 3)
                for _ in range(rounds):
                    bare.append(await drive(plain, echo, seconds))
                    ours.append(await drive(real, daemon.process, seconds))
            figures += _figures(clients, ours, bare)
    return figures


def _figures(clients: int, ours: list[Round], bare: list[Round]) -> list[Figure]:
    who = "1 client" if clients == 1 else f"{clients} clients"
    figures = []
    for percent, reach in ((50, REACH_P50.get(clients, "")), (99, "")):
        times = [[percentile(r.seconds, percent) * 1e3 for r in rounds] for rounds in (ours, bare)]
        figures.append(
            compare(f"exchange, {who}: p{percent}", "ms", times[0], f"bare echo, p{percent}", times[1], reach)
        )
    return [
        *figures,
        compare(
            f"exchanges a second, {who}", "/s", [r.per_second for r in ours], "bare echo", [r.per_second for r in bare]
        ),
        compare(
            f"exchanges per CPU second, {who}",
            "/s",
            [1 / r.cpu for r in ours],
            "bare echo, per CPU second",
            [1 / r.cpu for r in bare],
            REACH_CPU.get(clients, ""),
        ),
        compare(
            f"server's CPU per exchange, {who}",
            "us",
            [r.cpu * 1e6 for r in ours],
            "bare echo",
            [r.cpu * 1e6 for r in bare],
        ),
    ]


async def _in_process(folder: Path, counts: Sequence[int], rounds: int, exchanges: int) -> list[Figure]:
    """Measure the exchange without a wire."""
    figures = []
    async with core(folder) as daemon:
        with bare_table(folder) as bare:
            for clients in counts:
                sessions = [SessionId(f"core-{uuid7()}") for _ in range(clients)]
                for session_id in sessions:
                    await daemon.operations.sessions.connect(daemon.caller, session_id, daemon.project_path, USER)
                each = max(2, exchanges // max(clients, 4))
                p50: list[float] = []
                cpu: list[float] = []
                bare_p50: list[float] = []
                bare_cpu: list[float] = []
                for _ in range(rounds):
                    took, used = await _drive_core(daemon, sessions, each)
                    p50.append(percentile(took, 50) * 1e3)
                    cpu.append(used * 1e6)
                    bare_p50.append(2 * percentile(bare.commit_seconds(rows=clients, times=20), 50) * 1e3)
                    bare_cpu.append(2 * bare.cpu_per_row(rows=clients, times=20) * 1e6)
                who = "1 client" if clients == 1 else f"{clients} clients"
                plain = "two bare commits" if clients == 1 else f"two bare commits of {clients} rows"
                figures += [
                    compare(f"exchange without a wire, {who}: p50", "ms", p50, plain, bare_p50),
                    compare(f"exchange without a wire, {who}: CPU", "us", cpu, f"{plain}, a row", bare_cpu),
                ]
    return figures


async def _drive_core(daemon: Core, sessions: list[SessionId], each: int) -> tuple[list[float], float]:
    took: list[float] = []
    asked = WorkRequest(caller=daemon.caller, channel="socket")

    async def exchange(session_id: SessionId) -> None:
        for _ in range(each):
            began = time.perf_counter()
            taken = await daemon.operations.messages.send(asked, session_id, TEXT, None)
            result = await daemon.operations.messages.answer(taken)
            took.append(time.perf_counter() - began)
            assert result.answer == TEXT

    used = time.process_time()
    async with asyncio.TaskGroup() as group:
        for session_id in sessions:
            group.create_task(exchange(session_id))
    return took, (time.process_time() - used) / len(took)
