"""Codes: issued and closed inside the transaction of what they stand for."""

from __future__ import annotations

from typing import Any

from supervisor.protocol.codes import Code, CodeKind, random_code
from supervisor.protocol.messages import UserId
from supervisor.protocol.times import DAY_MS
from supervisor.store.engine import Database, Reader
from supervisor.store.transaction import Transaction

KEPT_MS = 30 * DAY_MS
"""How long an expired code is kept, so that its use can be explained and it is not issued again."""

_ADD = """
    INSERT INTO codes (code, kind, ref, user_id, until_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT (code) DO NOTHING
"""
_CLOSE = "UPDATE codes SET closed_ms = ? WHERE code = ? AND closed_ms IS NULL"
_CLOSED = "SELECT 1 FROM codes WHERE code = ? AND closed_ms IS NOT NULL"
_COLUMNS = "code, kind, ref, user_id, until_ms, closed_ms"
_FIND = f"SELECT {_COLUMNS} FROM codes WHERE code = ?"
_OPEN = f"""
    SELECT {_COLUMNS} FROM codes WHERE user_id = ? AND kind = ? AND closed_ms IS NULL AND until_ms > ?
    ORDER BY until_ms DESC, code
"""
_PURGE = "DELETE FROM codes WHERE until_ms < ?"


def issue(tx: Transaction, kind: CodeKind, ref: str, user_id: UserId, until_ms: int) -> str:
    """Store and return a new code, which nobody has been told before."""
    while True:
        code = random_code()
        if tx.changed(_ADD, (code, kind, ref, user_id, until_ms)):
            return code


def close(tx: Transaction, code: str, now_ms: int) -> bool:
    """Close a code, because it was used or withdrawn; False = it is closed, or does not exist."""
    return tx.changed(_CLOSE, (now_ms, code))


def is_closed(tx: Transaction, code: str) -> bool:
    """Return whether a code was used or withdrawn."""
    return tx.one(_CLOSED, (code,)) is not None


def forget_old(tx: Transaction, before_ms: int) -> None:
    """Delete the codes that expired `KEPT_MS` before a time."""
    tx.execute(_PURGE, (before_ms - KEPT_MS,))


class SqlCodes:
    """`CodeStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issue(self, kind: CodeKind, ref: str, user_id: UserId, *, until_ms: int) -> str:
        """Return a new code for something that needs no transaction of its own."""
        return await self._database.write(lambda tx: issue(tx, kind, ref, user_id, until_ms))

    async def find(self, code: str) -> Code | None:
        """Return a code, open or not; None = nobody was told it."""
        return await self._database.read(lambda connection: _find(connection, code))

    async def open_of(self, user_id: UserId, kind: CodeKind, *, now_ms: int) -> list[Code]:
        """Return the open codes of a kind that a user was told, newest first."""
        return await self._database.read(
            lambda connection: [_code(row) for row in connection.execute(_OPEN, (user_id, kind, now_ms))]
        )


def _find(connection: Reader, code: str) -> Code | None:
    row = connection.execute(_FIND, (code,)).fetchone()
    return _code(row) if row is not None else None


def _code(row: tuple[Any, ...]) -> Code:
    code, kind, ref, user_id, until_ms, closed_ms = row
    return Code(
        code=code, kind=CodeKind(kind), ref=ref, user_id=UserId(user_id), until_ms=until_ms, closed_ms=closed_ms
    )
