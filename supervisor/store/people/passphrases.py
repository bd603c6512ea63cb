"""Passphrases: salted hashes, and the count of wrong attempts."""

from __future__ import annotations

from supervisor.protocol.messages import UserId
from supervisor.store.engine import Database, Reader
from supervisor.store.ports.people.accounts import THE_OPERATOR
from supervisor.store.ports.people.passphrases import Passphrase
from supervisor.store.records.accounts import Actor
from supervisor.store.transaction import Transaction

_GET = "SELECT salt, hash, wrong, locked_ms FROM passphrases WHERE user_id = ?"
_PUT = """
    INSERT INTO passphrases (user_id, salt, hash, set_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (user_id) DO UPDATE
    SET salt = excluded.salt, hash = excluded.hash, set_ms = excluded.set_ms, wrong = 0, locked_ms = 0
"""
_REMOVE = "DELETE FROM passphrases WHERE user_id = ?"
_RIGHT = "UPDATE passphrases SET wrong = 0 WHERE user_id = ?"
_WRONG = """
    UPDATE passphrases
    SET wrong = CASE WHEN wrong + 1 >= :most THEN 0 ELSE wrong + 1 END,
        locked_ms = CASE WHEN wrong + 1 >= :most THEN :lock_ms ELSE locked_ms END
    WHERE user_id = :user_id
"""


class SqlPassphrases:
    """`PassphraseStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: UserId) -> Passphrase | None:
        """Return the stored passphrase of a user; None = there is none."""

        def work(connection: Reader) -> Passphrase | None:
            row = connection.execute(_GET, (user_id,)).fetchone()
            return Passphrase(salt=row[0], hash=row[1], wrong=row[2], locked_ms=row[3]) if row is not None else None

        return await self._database.read(work)

    async def put(self, user_id: UserId, salt: bytes, hashed: bytes, *, by: Actor = THE_OPERATOR, now_ms: int) -> None:
        """Set the passphrase of a user; the count of wrong attempts is 0."""

        def work(tx: Transaction) -> None:
            tx.execute(_PUT, (user_id, salt, hashed, now_ms))
            tx.record(by.name, "passphrase.set", {"user": user_id} | by.where, now_ms)

        await self._database.write(work)

    async def remove(self, user_id: UserId, *, by: Actor = THE_OPERATOR, now_ms: int) -> bool:
        """Delete the passphrase of a user."""

        def work(tx: Transaction) -> bool:
            if not tx.changed(_REMOVE, (user_id,)):
                return False
            tx.record(by.name, "passphrase.removed", {"user": user_id} | by.where, now_ms)
            return True

        return await self._database.write(work)

    async def tried(self, user_id: UserId, *, right: bool, most: int, lock_ms: int, now_ms: int) -> None:
        """Count an attempt."""

        def work(tx: Transaction) -> None:
            if right:
                tx.execute(_RIGHT, (user_id,))
                return
            tx.execute(_WRONG, {"user_id": user_id, "most": most, "lock_ms": lock_ms})
            tx.record(user_id, "passphrase.wrong", {}, now_ms)

        await self._database.write(work)
