"""Deduplication: the message that was accepted first under a key, found again by every repetition."""

from __future__ import annotations

import sqlite3
import time
from hashlib import blake2b

from supervisor.protocol.messages import MessageId
from supervisor.store.records.acceptance import Accepted
from supervisor.store.sqlite.transaction import Row, Transaction

KNOWN = "SELECT message_id, digest, dedup_until_ms FROM inbox WHERE dedup = ?"
_FORGET_KEY = "UPDATE inbox SET dedup = NULL, dedup_until_ms = NULL WHERE dedup = ?"
_FORGET_EXPIRED = "UPDATE inbox SET dedup = NULL, dedup_until_ms = NULL WHERE dedup_until_ms <= ?"


def hashed(*parts: str) -> bytes:
    """Return 16 bytes that stand for some texts; lengths keep ("a", "bc") and ("ab", "c") apart."""
    joined = b""
    for part in parts:
        encoded = part.encode()
        joined += len(encoded).to_bytes(4, "big") + encoded
    return blake2b(joined, digest_size=16).digest()


def first_of(tx: Transaction, key: bytes, digest: bytes, now_ms: int) -> Accepted | None:
    """Return the message that holds a key, as a duplicate; None = the key is free. An expired key is released."""
    row = tx.one(KNOWN, (key,))
    if row is None:
        return None
    if _has_expired(row, now_ms):
        tx.execute(_FORGET_KEY, (key,))
        return None
    return _duplicate(row, digest)


def known(connection: sqlite3.Connection, channel: str, account: str, dedup_key: str, digest: str) -> Accepted | None:
    """Return the message that holds a key, as a duplicate; None = no message does, or the key has expired."""
    row = connection.execute(KNOWN, (hashed(channel, account, dedup_key),)).fetchone()
    if row is None or _has_expired(row, time.time_ns() // 1_000_000):
        return None
    return _duplicate(row, hashed(digest))


def forget_expired(tx: Transaction, before_ms: int) -> int:
    """Release the keys that expired before a time (milliseconds UTC); return how many."""
    return tx.execute(_FORGET_EXPIRED, (before_ms,)).rowcount


def _has_expired(row: Row, now_ms: int) -> bool:
    until_ms: int | None = row[2]
    return until_ms is not None and until_ms <= now_ms


def _duplicate(row: Row, digest: bytes) -> Accepted:
    return Accepted(message_id=MessageId(row[0]), duplicate=True, same=row[1] == digest)
