"""T1, T2 and T3 on PostgreSQL, against the same on SQLite and against bare transactions of PostgreSQL, in one run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks.bare import TEXT
from benchmarks.core import USER, open_bench_store
from benchmarks.figures import Figure, compare, percentile
from benchmarks.transactions import FEW_PRODUCERS, PRODUCERS, drive, in_three_commits, make_sessions
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import Role
from supervisor.protocol.times import now_ms
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.state import audit_seal
from supervisor.store import Store
from supervisor.store.postgres.store import Address, open_postgres
from supervisor.store.records.accounts import User
from tests.postgres_server import NoServer, PostgresServer, postgres_server

DATABASE = "bench"
COMMITS = 3
"""Of an exchange: T1, T2, T3."""


@dataclass(slots=True)
class Rounds:
    """What was measured of one engine: a value per round.

    Attributes:
        p50: in milliseconds.
        cpu, server_cpu: per exchange, in microseconds: of this process, and of the server.
    """

    p50: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Measure exchanges of several producers; without a PostgreSQL to start, say so and measure nothing."""
    try:
        with postgres_server() as server:
            return await _measure(server, folder, short)
    except NoServer as error:
        print(f"postgres: not measured: {error}", file=sys.stderr)
        return []


async def _measure(server: PostgresServer, folder: Path, short: bool) -> list[Figure]:
    rounds, count, counts = (2, 60, FEW_PRODUCERS) if short else (5, 2_000, PRODUCERS)
    figures: list[Figure] = []
    async with _opened(server, folder) as (sqlite, postgres):
        sessions = [await make_sessions(store, max(counts)) for store in (sqlite, postgres)]
        with _bare(server) as bare:
            for producers in counts:
                each = max(1, (count if producers > 1 else count // 8) // producers)
                old, new, plain = Rounds(), Rounds(), Rounds()
                for _ in range(rounds):
                    await _round(old, sqlite, sessions[0][:producers], each, server)
                    await _round(new, postgres, sessions[1][:producers], each, server)
                    _bare_round(plain, bare, producers, 20, server)
                figures += _figures(producers, new, old, plain)
    return figures


async def _round(rounds: Rounds, store: Store, sessions: list[SessionId], each: int, server: PostgresServer) -> None:
    began, spent = time.perf_counter(), server_cpu(server)
    took, cpu = await drive(store, sessions, each, in_three_commits)
    rounds.per_second.append(len(took) / (time.perf_counter() - began))
    rounds.p50.append(percentile(took, 50) * 1e3)
    rounds.cpu.append(cpu * 1e6)
    rounds.server_cpu.append((server_cpu(server) - spent) / len(took) * 1e6)


def _bare_round(
    rounds: Rounds, bare: psycopg.Connection[tuple[object, ...]], rows: int, times: int, server: PostgresServer
) -> None:
    """Do as many transactions as a group of exchanges takes: three, with a row per producer in each."""
    took, cpu, spent = [], time.process_time(), server_cpu(server)
    for _ in range(times):
        began = time.perf_counter()
        for _ in range(COMMITS):
            with bare.transaction():
                for _ in range(rows):
                    bare.execute("INSERT INTO bare (text) VALUES (%s)", (TEXT,))
        took.append(time.perf_counter() - began)
    rounds.p50.append(percentile(took, 50) * 1e3)
    rounds.per_second.append(rows * times / sum(took))
    rounds.cpu.append((time.process_time() - cpu) / (rows * times) * 1e6)
    rounds.server_cpu.append((server_cpu(server) - spent) / (rows * times) * 1e6)


def _figures(producers: int, new: Rounds, old: Rounds, plain: Rounds) -> list[Figure]:
    who = "1 producer" if producers == 1 else f"{producers} producers"
    name, bare = f"T1, T2, T3 on PostgreSQL, {who}", f"three bare transactions of {producers} row"
    bare += "" if producers == 1 else "s"
    both = [client + server for client, server in zip(new.cpu, new.server_cpu, strict=True)]
    plain_both = [client + server for client, server in zip(plain.cpu, plain.server_cpu, strict=True)]
    return [
        compare(f"{name}: p50", "ms", new.p50, "the same on SQLite", old.p50),
        compare(f"{name}: p50", "ms", new.p50, bare, plain.p50),
        compare(f"{name}: exchanges a second", "/s", new.per_second, "the same on SQLite", old.per_second),
        compare(f"{name}: exchanges a second", "/s", new.per_second, bare, plain.per_second),
        compare(f"{name}: CPU, client", "us", new.cpu, "the same on SQLite", old.cpu),
        compare(f"{name}: CPU, client and server", "us", both, "the same on SQLite", old.cpu),
        compare(f"{name}: CPU, client and server", "us", both, f"{bare}, a row", plain_both),
    ]


@asynccontextmanager
async def _opened(server: PostgresServer, folder: Path) -> AsyncIterator[tuple[Store, Store]]:
    """Open a store of each engine: SQLite, PostgreSQL."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE} ENCODING 'UTF8' TEMPLATE template0".encode())
    credentials = Credentials(folder, {})
    sqlite = await open_bench_store(folder, credentials)
    try:
        seal = audit_seal(credentials.generated("audit"))
        postgres = await open_postgres(Address(server.url(DATABASE)), seal=seal)
        try:
            await postgres.accounts.put_user(User(id=USER, name="Ann", role=Role.ADMIN), now_ms=now_ms())
            yield sqlite, postgres
        finally:
            await postgres.close()
    finally:
        await sqlite.close()


@contextmanager
def _bare(server: PostgresServer) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Open a connection with the durability of our store, and a table of two columns."""
    with psycopg.connect(server.url(DATABASE), autocommit=True) as connection:
        connection.prepare_threshold = 0
        connection.execute("SET synchronous_commit = on")
        connection.execute("CREATE TABLE bare (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, text TEXT)")
        yield connection


def server_cpu(server: PostgresServer) -> float:
    """Return the CPU time of the server's processes that run, in seconds."""
    postmaster = (server.folder / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0]
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()
        except OSError:
            continue  # it has ended
        if fields[1] == postmaster:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
