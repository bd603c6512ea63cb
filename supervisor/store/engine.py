"""The port of an engine: a database that runs the store's statements. Both engines run the same ones.

The statements keep to the SQL that SQLite 3.37 and PostgreSQL 15 both know. Parameters are `?` by position, `?1` by
number, or `:name`; values are int, str, bytes and None. Hints that only SQLite knows (`INDEXED BY`, `CROSS JOIN` with a
condition) are stripped for PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from supervisor.store.listeners import Listeners
from supervisor.store.ports.cluster.notices import Notices
from supervisor.store.transaction import Reader, Transaction

__all__ = ["Database", "Reader"]

T = TypeVar("T")


class Database(Protocol):
    """An open database; the parts of the store are plain functions over it."""

    @property
    def epoch(self) -> int:
        """The number of this start; every row that is written carries it."""

    @property
    def seal(self) -> Callable[[bytes, bytes], bytes]:
        """Makes the seal of an audit row."""

    @property
    def listeners(self) -> Listeners:
        """Who hears of commits."""

    @property
    def notices(self) -> Notices | None:
        """What other nodes have committed; None = the engine serves one node."""

    async def write(self, work: Callable[[Transaction], T], orphaned: Callable[[T], None] | None = None) -> T:
        """Do a write in a transaction that it may share with other writes; return after the commit.

        `work` may run twice, if the shared transaction is rolled back: it must change nothing but the database.

        Args:
            orphaned: called with the result if the caller was cancelled meanwhile; the write is done regardless.

        Raises:
            StorageError: the database refused; nothing of this write is stored.
        """

    async def read(self, work: Callable[[Reader], T]) -> T:
        """Do a quick read: an index leads to few rows."""

    async def scan(self, work: Callable[[Reader], T]) -> T:
        """Do a read of many rows of one user or session; it does not block the quick ones."""

    async def examine(self, work: Callable[[Reader], T]) -> T:
        """Do a read of the whole database on a connection of its own: it may take minutes, and blocks no other read."""

    async def works(self) -> bool:
        """Return whether the last write was stored. After one that was refused, try a small one that leaves nothing."""

    async def close(self) -> None:
        """Finish queued work and close. May be called twice."""
