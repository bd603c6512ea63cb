"""The audit trail: entries that are chained by their seals."""

from __future__ import annotations

import hmac
import json
from typing import Any

from supervisor.protocol.values.record import record
from supervisor.store.engine import Database, Reader
from supervisor.store.ports.audit import EVERYTHING, AuditEntry, AuditFilter
from supervisor.store.transaction import Seal, Transaction, canonical

_COLUMNS = "seq, at_ms, epoch, actor, event, detail, mac"
_CHAIN = f"SELECT {_COLUMNS} FROM audit ORDER BY seq"
_LAST = "SELECT coalesce(max(seq), 0) FROM audit"
_FIRST = "SELECT coalesce(min(seq), 0) FROM audit"
_HAS_USERS = "SELECT EXISTS (SELECT 1 FROM users)"
_KEEPS_CUTS = "SELECT EXISTS (SELECT 1 FROM migrations WHERE version >= 23)"
"""A database that no daemon has migrated yet is verified too."""
_CHECKPOINT = "SELECT seq, at_ms, entries, mac, seal FROM audit_cuts ORDER BY seq DESC LIMIT 1"
_OLDEST = "SELECT min(seq), (SELECT min(seq) FROM audit WHERE at_ms >= ?), max(seq) FROM audit"
_SEAL_OF = "SELECT mac FROM audit WHERE seq = ?"
_ADD_CHECKPOINT = "INSERT INTO audit_cuts (seq, at_ms, entries, mac, seal) VALUES (?, ?, ?, ?, ?)"
_DROP_CHECKPOINTS = "DELETE FROM audit_cuts WHERE seq < ?"
_CUT = "DELETE FROM audit WHERE seq <= ?"


class SqlAudit:
    """`AuditStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, actor: str, event: str, detail: dict[str, Any], *, now_ms: int) -> None:
        """Append an entry."""
        await self._database.write(lambda tx: tx.record(actor, event, detail, now_ms))

    async def verify(self) -> str | None:
        """Check the whole chain; None = intact, else a sentence that names the first bad row.

        Rows that were cut off at its end cannot be noticed by the chain: see `background/anchors.py`.
        """
        seal = self._database.seal
        return await self._database.examine(lambda connection: broken_chain(connection, seal))

    async def entries(self, *, after: int, limit: int, where: AuditFilter = EVERYTHING) -> list[AuditEntry]:
        """Return the entries after a number, in their order."""
        return await self._read(where, "seq > :place", "seq", {"place": after, "limit": limit})

    async def newest(self, *, before: int | None, limit: int, where: AuditFilter = EVERYTHING) -> list[AuditEntry]:
        """Return the entries before a number, newest first; None = from the newest one on."""
        return await self._read(
            where, "(CAST(:place AS BIGINT) IS NULL OR seq < :place)", "seq DESC", {"place": before, "limit": limit}
        )

    async def _read(self, where: AuditFilter, page: str, order: str, values: dict[str, Any]) -> list[AuditEntry]:
        conditions, named = _conditions(where)
        query = f"SELECT {_COLUMNS} FROM audit WHERE {' AND '.join([page, *conditions])} ORDER BY {order} LIMIT :limit"
        return await self._database.scan(
            lambda connection: [_entry(row) for row in connection.execute(query, values | named)]
        )

    async def last(self) -> int:
        """Return the number of the newest entry; 0 = there is none."""
        return await self._database.read(lambda connection: int(connection.execute(_LAST).fetchone()[0]))

    async def first(self) -> int:
        """Return the number of the oldest entry that is kept; 0 = there is none."""
        return await self._database.read(lambda connection: int(connection.execute(_FIRST).fetchone()[0]))

    async def cut(self, *, before_ms: int, limit: int, now_ms: int) -> int:
        """Cut off old entries, and leave a sealed checkpoint."""
        seal = self._database.seal

        def work(tx: Transaction) -> int:
            tx.point("cut")
            first, kept, last = tx.execute(_OLDEST, (before_ms,)).fetchone()
            if first is None:
                return 0
            end = min((kept if kept is not None else last) - 1, last - 1, first + limit - 1)
            count: int = end - first + 1
            if count <= 0:
                return 0
            (mac,) = tx.execute(_SEAL_OF, (end,)).fetchone()
            checkpoint = _Checkpoint(seq=end, at_ms=now_ms, entries=count, mac=mac)
            tx.execute(_ADD_CHECKPOINT, (end, now_ms, count, mac, checkpoint.sealed(seal)))
            tx.execute(_DROP_CHECKPOINTS, (end,))
            tx.execute(_CUT, (end,))
            tx.record("supervisor", "audit.cut", {"up_to": end, "entries": count}, now_ms)
            return count

        return await self._database.write(work)


def broken_chain(connection: Reader, seal: Seal) -> str | None:
    """Check the whole chain; None = intact, else a sentence that names the first bad row."""
    checkpoint = _checkpoint(connection)
    if checkpoint is not None and not checkpoint.is_genuine(seal):
        return f"the checkpoint at audit row {checkpoint.seq} was changed"
    expected, previous = (1, b"") if checkpoint is None else (checkpoint.seq + 1, checkpoint.mac)
    if not connection.execute(_LAST).fetchone()[0]:
        has_users = bool(connection.execute(_HAS_USERS).fetchone()[0])
        return f"audit row {expected} is missing, and all behind it" if has_users or checkpoint else None
    for seq, *content, mac in connection.execute(_CHAIN):
        if seq != expected:
            return f"audit row {expected} is missing"
        if not hmac.compare_digest(mac, seal(previous, canonical(seq, *content))):
            return f"audit row {seq} was changed"
        expected, previous = seq + 1, mac
    return None


@record
class _Checkpoint:
    """Where the trail was cut off.

    Attributes:
        seq, mac: number and seal of the last entry that was cut off.
        seal: as stored; empty = not stored yet.
    """

    seq: int
    at_ms: int
    entries: int
    mac: bytes
    seal: bytes = b""

    def sealed(self, seal: Seal) -> bytes:
        """Return the seal of the checkpoint."""
        return seal(b"cut", f"[{self.seq},{self.at_ms},{self.entries},{self.mac.hex()}]".encode())

    def is_genuine(self, seal: Seal) -> bool:
        """Return whether the stored seal is right."""
        return hmac.compare_digest(self.seal, self.sealed(seal))


def _checkpoint(connection: Reader) -> _Checkpoint | None:
    """Return the newest checkpoint; None = nothing was cut off."""
    if not connection.execute(_KEEPS_CUTS).fetchone()[0]:
        return None
    row = connection.execute(_CHECKPOINT).fetchone()
    if row is None:
        return None
    seq, at_ms, entries, mac, stored = row
    return _Checkpoint(seq=seq, at_ms=at_ms, entries=entries, mac=bytes(mac), seal=bytes(stored))


def _conditions(where: AuditFilter) -> tuple[list[str], dict[str, Any]]:
    """Return what WHERE asks for, and its parameters."""
    conditions: list[str] = []
    named: dict[str, Any] = {}
    if where.since_ms is not None:
        conditions.append("at_ms >= :since_ms")
        named["since_ms"] = where.since_ms
    if where.until_ms is not None:
        conditions.append("at_ms < :until_ms")
        named["until_ms"] = where.until_ms
    if where.actor:
        conditions.append("actor = :actor")
        named["actor"] = where.actor
    if where.event:
        conditions.append("(event = :event OR event >= :event || '.' AND event < :event || '/')")  # "/" follows "."
        named["event"] = where.event
    return conditions, named


def _entry(row: tuple[Any, ...]) -> AuditEntry:
    seq, at_ms, epoch, actor, event, detail, mac = row
    return AuditEntry(
        seq=seq, at_ms=at_ms, epoch=epoch, actor=actor, event=event, detail=json.loads(detail), mac=bytes(mac)
    )
