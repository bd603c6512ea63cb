"""Deduplication: the first message under a key, found again by every repetition; and who acts on it before T1."""

from __future__ import annotations

import time
from hashlib import blake2b

from supervisor.protocol.messages import MessageId
from supervisor.store.control.claims import claim, release
from supervisor.store.control.rates import take
from supervisor.store.engine import Reader
from supervisor.store.records.acceptance import Accepted, Attempt
from supervisor.store.transaction import Row, Transaction

KNOWN = "SELECT message_id, digest, dedup_until_ms FROM inbox WHERE dedup = ?"
_FORGET_KEY = "UPDATE inbox SET dedup = NULL, dedup_until_ms = NULL WHERE dedup = ?"
_FORGET_EXPIRED = "UPDATE inbox SET dedup = NULL, dedup_until_ms = NULL WHERE dedup_until_ms <= ?"


_OWNER = "message"
"""Owner of the claims of messages; their keys are the hashed deduplication keys."""


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


def known(connection: Reader, channel: str, account: str, dedup_key: str, digest: str) -> Accepted | None:
    """Return the message that holds a key, as a duplicate; None = no message does, or the key has expired."""
    row = connection.execute(KNOWN, (hashed(channel, account, dedup_key),)).fetchone()
    if row is None or _has_expired(row, time.time_ns() // 1_000_000):
        return None
    return _duplicate(row, hashed(digest))


def attempt(tx: Transaction, one: Attempt) -> Accepted | None:
    """Count a message that acts before T1, and claim it; None = it may act, else what is in its way."""
    key = _key(one)
    if key is not None and (first := first_of(tx, key, hashed(one.digest), one.now_ms)) is not None:
        return first
    nothing = MessageId("")
    if key is not None and not claim(tx, _OWNER, key.hex(), one.now_ms):
        return Accepted(message_id=nothing, taken=True)
    if one.limit is not None and (wait_ms := take(tx, one.user_id, one.limit, one.now_ms)):
        release(tx, _OWNER, "" if key is None else key.hex())
        return Accepted(message_id=nothing, wait_ms=wait_ms)
    return None


def give_up(tx: Transaction, one: Attempt) -> None:
    """Give up the claim of a message that could not act: its repetition may, on any node."""
    if (key := _key(one)) is not None:
        release(tx, _OWNER, key.hex())


def forget_expired(tx: Transaction, before_ms: int) -> int:
    """Release the keys that expired before a time (milliseconds UTC); return how many."""
    return tx.execute(_FORGET_EXPIRED, (before_ms,)).rowcount


def _has_expired(row: Row, now_ms: int) -> bool:
    until_ms: int | None = row[2]
    return until_ms is not None and until_ms <= now_ms


def _duplicate(row: Row, digest: bytes) -> Accepted:
    return Accepted(message_id=MessageId(row[0]), duplicate=True, same=row[1] == digest)


def _key(one: Attempt) -> bytes | None:
    return None if one.dedup_key is None else hashed(one.channel, one.account, one.dedup_key)
