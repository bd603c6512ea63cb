"""The audit trail: entries that are chained by their seals."""

from __future__ import annotations

import hmac
import json
import sqlite3
from typing import Any

from supervisor.store.ports.audit import AuditEntry
from supervisor.store.sqlite.database import Database
from supervisor.store.sqlite.transaction import canonical

_COLUMNS = "seq, at_ms, epoch, actor, event, detail, mac"
_CHAIN = f"SELECT {_COLUMNS} FROM audit ORDER BY seq"
_ENTRIES = f"SELECT {_COLUMNS} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?"
_LAST = "SELECT coalesce(max(seq), 0) FROM audit"


class SqliteAudit:
    """`AuditStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, actor: str, event: str, detail: dict[str, Any], *, now_ms: int) -> None:
        """Append an entry."""
        await self._database.write(lambda tx: tx.record(actor, event, detail, now_ms))

    async def verify(self) -> str | None:
        """Check the whole chain; None = intact, else a sentence that names the first bad row.

        Rows that were cut off at its end cannot be noticed by the chain.
        """
        seal = self._database.seal

        def work(connection: sqlite3.Connection) -> str | None:
            expected, previous = 1, b""
            for seq, *content, mac in connection.execute(_CHAIN):
                if seq != expected:
                    return f"audit row {expected} is missing"
                if not hmac.compare_digest(mac, seal(previous, canonical(seq, *content))):
                    return f"audit row {seq} was changed"
                expected, previous = seq + 1, mac
            return None

        return await self._database.examine(work)

    async def entries(self, *, after: int, limit: int) -> list[AuditEntry]:
        """Return the entries after a number, in their order."""
        return await self._database.read(
            lambda connection: [_entry(row) for row in connection.execute(_ENTRIES, (after, limit))]
        )

    async def last(self) -> int:
        """Return the number of the newest entry; 0 = there is none."""
        return await self._database.read(lambda connection: int(connection.execute(_LAST).fetchone()[0]))


def _entry(row: tuple[Any, ...]) -> AuditEntry:
    seq, at_ms, epoch, actor, event, detail, mac = row
    return AuditEntry(
        seq=seq, at_ms=at_ms, epoch=epoch, actor=actor, event=event, detail=json.loads(detail), mac=bytes(mac)
    )
