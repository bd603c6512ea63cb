"""Passkeys: the public keys by which browsers prove who uses them."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.protocol.messages import UserId
from supervisor.protocol.values.record import values_of
from supervisor.store.engine import Database, Reader
from supervisor.store.people.sign_in import end_sign_ins_with
from supervisor.store.ports.people.passkeys import Passkey
from supervisor.store.ports.people.sign_in import Visitor, Way
from supervisor.store.transaction import Row, Transaction

_SELECT = "SELECT id, user_id, public_key, sign_count, name, root, created_ms, used_ms FROM passkeys"
_OF = f"{_SELECT} WHERE user_id = ? ORDER BY created_ms, id"
_GET = f"{_SELECT} WHERE id = ? AND user_id IN (SELECT id FROM users WHERE removed_ms IS NULL)"
_USED = "UPDATE passkeys SET sign_count = ?, used_ms = ? WHERE id = ? AND sign_count = ?"
_REMOVE = "DELETE FROM passkeys WHERE id = ? AND user_id = ?"


class SqlPasskeys:
    """`PasskeyStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, user_id: UserId) -> Sequence[Passkey]:
        """Return the passkeys of a user, oldest first."""
        return await self._database.read(
            lambda connection: [_passkey(row) for row in connection.execute(_OF, (user_id,))]
        )

    async def get(self, passkey_id: bytes) -> Passkey | None:
        """Return a passkey; None = there is none, or its user was removed."""

        def work(connection: Reader) -> Passkey | None:
            row = connection.execute(_GET, (passkey_id,)).fetchone()
            return _passkey(row) if row is not None else None

        return await self._database.read(work)

    async def any(self) -> bool:
        """Return whether anybody has a passkey."""
        return await self._database.read(
            lambda connection: connection.execute("SELECT 1 FROM passkeys LIMIT 1").fetchone() is not None
        )

    async def add(self, passkey: Passkey, visitor: Visitor, *, now_ms: int) -> bool:
        """Store a passkey; False = it is there already."""

        def work(tx: Transaction) -> bool:
            if tx.one("SELECT 1 FROM passkeys WHERE id = ?", (passkey.id,)) is not None:
                return False
            tx.insert("passkeys", values_of(passkey))
            detail = {"passkey": passkey.id.hex(), "name": passkey.name, "root": passkey.root.value}
            tx.record(passkey.user_id, "passkey.added", detail | {"from": visitor.source}, now_ms)
            return True

        return await self._database.write(work)

    async def used(self, passkey: Passkey, sign_count: int, *, now_ms: int) -> bool:
        """Note that a passkey was used; False = it was used elsewhere since it was read."""
        values = (sign_count, now_ms, passkey.id, passkey.sign_count)
        return await self._database.write(lambda tx: tx.changed(_USED, values))

    async def remove(
        self, passkey_id: bytes, user_id: UserId, visitor: Visitor, *, now_ms: int
    ) -> Sequence[str] | None:
        """Remove a passkey of a user, and end the sessions that it signed in."""

        def work(tx: Transaction) -> Sequence[str] | None:
            if not tx.changed(_REMOVE, (passkey_id, user_id)):
                return None
            detail = {"passkey": passkey_id.hex(), "from": visitor.source}
            tx.record(user_id, "passkey.removed", detail, now_ms)
            return end_sign_ins_with(tx, passkey_id, user_id, now_ms)

        return await self._database.write(work)


def _passkey(row: Row) -> Passkey:
    return Passkey(
        id=row[0],
        user_id=UserId(row[1]),
        public_key=row[2],
        sign_count=row[3],
        name=row[4],
        root=Way(row[5]),
        created_ms=row[6],
        used_ms=row[7],
    )
