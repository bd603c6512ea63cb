"""Messages that were dropped or refused: the newest of each channel, each with an entry in the audit trail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from supervisor.protocol.messages import MessageId
from supervisor.protocol.times import DAY_MS
from supervisor.store.engine import Database, Reader
from supervisor.store.ports.audit import DroppedMessage
from supervisor.store.records.accounts import Actor
from supervisor.store.transaction import Transaction

MOST = 500
"""How many messages of a channel are listed that can be let in, and how many that cannot."""

KEPT_MS = 30 * DAY_MS
"""How long a dropped message is listed."""

_COLUMNS = "id, channel, sender, why, at_ms, message, let_in_ms, message_id"
_ADD = "INSERT INTO dropped (channel, sender, why, at_ms, message) VALUES (?, ?, ?, ?, ?)"
_TRIM = """
    DELETE FROM dropped WHERE channel = :channel AND kept = :kept AND id <= (
        SELECT id FROM dropped WHERE channel = :channel AND kept = :kept ORDER BY id DESC LIMIT 1 OFFSET :most
    )
"""
DROPPED = f"SELECT {_COLUMNS} FROM dropped"
_LIST = f"{DROPPED} WHERE channel = ? ORDER BY id DESC LIMIT ?"
_GET = f"{DROPPED} WHERE id = ?"
_LET_IN = "UPDATE dropped SET let_in_ms = ?, message_id = ? WHERE id = ? AND let_in_ms IS NULL"
_FORGET = "DELETE FROM dropped WHERE at_ms < ?"


def forget_dropped(tx: Transaction, before_ms: int) -> None:
    """Delete the messages that were dropped `KEPT_MS` before a time."""
    tx.execute(_FORGET, (before_ms - KEPT_MS,))


class SqlDropped:
    """`DroppedStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, channel: str, sender: str, why: str, message: Mapping[str, Any] | None, *, now_ms: int) -> None:
        """Record a dropped message and its entry in the audit trail."""
        kept = None if message is None else json.dumps(message, ensure_ascii=False)

        def work(tx: Transaction) -> None:
            tx.record(sender, "message.dropped", {"channel": channel, "why": why}, now_ms)
            tx.execute(_ADD, (channel, sender, why, now_ms, kept))
            tx.execute(_TRIM, {"channel": channel, "kept": int(kept is not None), "most": MOST})

        await self._database.write(work)

    async def list(self, channel: str, *, limit: int) -> list[DroppedMessage]:
        """Return the dropped messages of a channel, newest first."""
        return await self._database.read(
            lambda connection: [to_dropped(row) for row in connection.execute(_LIST, (channel, limit))]
        )

    async def get(self, dropped_id: int) -> DroppedMessage | None:
        """Return a dropped message, or None."""

        def work(connection: Reader) -> DroppedMessage | None:
            row = connection.execute(_GET, (dropped_id,)).fetchone()
            return None if row is None else to_dropped(row)

        return await self._database.read(work)

    async def let_in(self, dropped_id: int, message_id: MessageId, by: Actor, *, now_ms: int) -> None:
        """Record that an operator let a message in, once, with its entry in the audit trail."""

        def work(tx: Transaction) -> None:
            if tx.changed(_LET_IN, (now_ms, message_id, dropped_id)):
                detail = {"dropped": dropped_id, "message_id": message_id} | by.where
                tx.record(by.name, "message.let_in", detail, now_ms)

        await self._database.write(work)


def to_dropped(row: tuple[Any, ...]) -> DroppedMessage:
    """Map a row of `DROPPED`."""
    dropped_id, channel, sender, why, at_ms, message, let_in_ms, message_id = row
    return DroppedMessage(
        id=dropped_id,
        channel=channel,
        sender=sender,
        why=why,
        at_ms=at_ms,
        message=None if message is None else json.loads(message),
        let_in_ms=let_in_ms,
        message_id=message_id,
    )
