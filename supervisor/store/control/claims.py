"""Claims: one task of one node acts on a key, every other waits for it."""

from __future__ import annotations

from supervisor.protocol.times import DAY_MS
from supervisor.store.cluster.nodes import is_dead
from supervisor.store.transaction import Transaction

# A claim of a dead epoch is void, because that process is gone. So is one of this start: within a process the caller
# holds a lock of the key, so whoever made it has ended without releasing it.
_CLAIM = f"""
    INSERT INTO claims (owner, key, epoch, at_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (owner, key) DO UPDATE SET epoch = excluded.epoch, at_ms = excluded.at_ms
    WHERE claims.epoch = excluded.epoch OR {is_dead("claims.epoch")}
"""
_RELEASE = "DELETE FROM claims WHERE owner = ? AND key = ? AND epoch = ?"
_FORGET = "DELETE FROM claims WHERE at_ms < ?"


def claim(tx: Transaction, owner: str, key: str, now_ms: int) -> bool:
    """Claim a key; False = another node that lives has claimed it."""
    return tx.changed(_CLAIM, (owner, key, tx.epoch, now_ms))


def release(tx: Transaction, owner: str, key: str) -> None:
    """Give a claim of this start up, if there is one."""
    tx.execute(_RELEASE, (owner, key, tx.epoch))


def forget_claims(tx: Transaction, before_ms: int) -> None:
    """Delete the claims that are a day older than a time (milliseconds UTC): what they were made for has an end."""
    tx.execute(_FORGET, (before_ms - DAY_MS,))
