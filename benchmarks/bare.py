"""Baselines of the store: commits of plain SQLite with the same durability."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEXT = "x" * 100


class BareTable:
    """One table and one connection with the durability of our store (WAL, synchronous=FULL)."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def commit(self, rows: int = 1) -> None:
        """Write that many rows in one transaction."""
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        for _ in range(rows):
            execute("INSERT INTO bare (text) VALUES (?)", (TEXT,))
        execute("COMMIT")

    def commit_seconds(self, *, rows: int = 1, times: int = 50) -> list[float]:
        """Return the duration of each commit, in seconds."""
        took = []
        for _ in range(times):
            began = time.perf_counter()
            self.commit(rows)
            took.append(time.perf_counter() - began)
        return took

    def cpu_per_row(self, *, rows: int, times: int) -> float:
        """Return the CPU time per row, in seconds."""
        began = time.process_time()
        for _ in range(times):
            self.commit(rows)
        return (time.process_time() - began) / (rows * times)


@contextmanager
def bare_table(folder: Path) -> Iterator[BareTable]:
    """Open a new database in `folder`, and close it when the context ends."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    try:
        connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
        connection.execute("CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
        yield BareTable(connection)
    finally:
        connection.close()
