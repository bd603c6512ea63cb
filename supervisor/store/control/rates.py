"""Rate limits of people, counted in the transaction that accepts their messages: exact over restarts and nodes."""

from __future__ import annotations

from supervisor.protocol.ids import uuid7
from supervisor.protocol.times import DAY_MS
from supervisor.store.records.acceptance import RateLimit
from supervisor.store.transaction import Transaction

MINUTE_MS, HOUR_MS = 60_000, 3_600_000

AHEAD_MS = 15_000
"""How far ahead of a message others may lie that count, in milliseconds: its time was taken before it waited for the
lock of writes, and clocks of nodes differ a little."""

# A row whose time lies further ahead is not counted: a clock that was set back locks nobody out.
_NTH_NEWEST = """
    SELECT at_ms FROM counted_messages
    WHERE user_id = ? AND command = ? AND at_ms > ? AND at_ms <= ? ORDER BY at_ms DESC LIMIT 1 OFFSET ?
"""
_COUNT = "INSERT INTO counted_messages (user_id, command, at_ms, id) VALUES (?, ?, ?, ?)"
_FORGET = "DELETE FROM counted_messages WHERE at_ms < ?"


def take(tx: Transaction, user_id: str, limit: RateLimit, now_ms: int) -> int:
    """Count a message of a person if it fits; return 0, or the milliseconds until one fits."""
    who = user_id, int(limit.command)
    wait_ms = max(_wait(tx, who, limit.per_minute, MINUTE_MS, now_ms), _wait(tx, who, limit.per_hour, HOUR_MS, now_ms))
    if wait_ms == 0:
        tx.execute(_COUNT, (*who, now_ms, uuid7()))
    return wait_ms


def forget_counted(tx: Transaction, before_ms: int) -> None:
    """Delete what was counted a day before a time (milliseconds UTC): no window is so long."""
    tx.execute(_FORGET, (before_ms - DAY_MS,))


def _wait(tx: Transaction, who: tuple[str, int], most: int, window_ms: int, now_ms: int) -> int:
    """Return the milliseconds until one more event fits in a window; 0 = it fits now."""
    row = tx.one(_NTH_NEWEST, (*who, now_ms - window_ms, now_ms + AHEAD_MS, max(0, most - 1)))
    if row is not None:
        return int(row[0]) + window_ms - now_ms
    return window_ms if most <= 0 else 0
