"""First answers by Idempotency-Key, and the marks of channels: small values that survive a restart."""

from __future__ import annotations

import time

from supervisor.protocol.times import DAY_MS
from supervisor.store.control.claims import claim, release
from supervisor.store.engine import Database, Reader
from supervisor.store.transaction import Transaction

KEPT_MS = DAY_MS
"""How long a first answer is kept: 24 hours (docs/protocol.md)."""

_GET_MARK = "SELECT value FROM marks WHERE name = ?"
_SET_MARK = "INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_GET_ANSWER = "SELECT digest, status, body FROM idempotency WHERE owner = ? AND key = ? AND expires_ms > ?"
_KEEP_ANSWER = """
    INSERT INTO idempotency (owner, key, digest, status, body, expires_ms)
    VALUES (:owner, :key, :digest, :status, :body, :expires_ms)
    ON CONFLICT (owner, key) DO UPDATE SET
        digest = excluded.digest, status = excluded.status, body = excluded.body, expires_ms = excluded.expires_ms
    WHERE idempotency.expires_ms <= :now_ms
"""
_FORGET_ANSWERS = "DELETE FROM idempotency WHERE expires_ms <= ?"


class SqlKeys:
    """`IdempotencyStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_mark(self, name: str) -> int | None:
        """Return a mark; None = it was never set."""

        def work(connection: Reader) -> int | None:
            row = connection.execute(_GET_MARK, (name,)).fetchone()
            return None if row is None else int(row[0])

        return await self._database.read(work)

    async def set_mark(self, name: str, value: int) -> None:
        """Set a mark."""
        await self._database.write(lambda tx: tx.changed(_SET_MARK, (name, value)))

    async def idempotent(self, owner: str, key: str) -> tuple[str, int, str] | None:
        """Return (digest of the request, HTTP status, body) of the first answer, kept for 24 h; None = none."""

        def work(connection: Reader) -> tuple[str, int, str] | None:
            now_ms = time.time_ns() // 1_000_000
            row: tuple[str, int, str] | None = connection.execute(_GET_ANSWER, (owner, key, now_ms)).fetchone()
            return row

        return await self._database.read(work)

    async def claim(self, owner: str, key: str, *, now_ms: int) -> bool:
        """Claim a key before its request is carried out; False = another node carries it out."""
        return await self._database.write(lambda tx: claim(tx, owner, key, now_ms))

    async def release(self, owner: str, key: str) -> None:
        """Give the claim of a key up, because its request was not carried out."""
        await self._database.write(lambda tx: release(tx, owner, key))

    async def keep_answer(self, owner: str, key: str, digest: str, status: int, body: str, *, now_ms: int) -> None:
        """Keep the first answer; a later one changes nothing until the first one expires."""
        values = {"owner": owner, "key": key, "digest": digest, "status": status, "body": body}

        def work(tx: Transaction) -> None:
            tx.execute(_KEEP_ANSWER, values | {"now_ms": now_ms, "expires_ms": now_ms + KEPT_MS})
            release(tx, owner, key)

        await self._database.write(work)


def forget_answers(tx: Transaction, before_ms: int) -> int:
    """Delete the answers that expired before a time (milliseconds UTC); return how many."""
    return tx.execute(_FORGET_ANSWERS, (before_ms,)).rowcount
