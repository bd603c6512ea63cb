"""Budgets: sums of the totals, of the reservations of running turns, and of amounts added to limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from supervisor.protocol.codes import CodeKind
from supervisor.protocol.messages import MessageId, SessionId, UserId
from supervisor.protocol.status import EndReason
from supervisor.protocol.times import DAY_MS
from supervisor.store.control.codes import close, is_closed, issue
from supervisor.store.drafts import add_drafts
from supervisor.store.engine import Database, Reader
from supervisor.store.ports.budgets import Reached, Spent, reference
from supervisor.store.records.acceptance import Raise, Raised
from supervisor.store.transaction import Transaction

T = TypeVar("T")

_HELD = """
    SELECT coalesce(sum(CASE WHEN r.nanos > r.called THEN r.nanos ELSE r.called END), 0)
    FROM (SELECT nanos, turn_id, user_id, session,
                 coalesce((SELECT sum(nanos) FROM calls WHERE turn_id = reservations.turn_id), 0) AS called
          FROM reservations) AS r JOIN turns AS t ON t.id = r.turn_id
    WHERE t.state = 'running' AND (CAST(:turn_id AS BIGINT) IS NULL OR r.turn_id <> :turn_id)
"""
# CROSS JOIN makes SQLite read the short journal first, and not all turns of a user.
_CALLED = "SELECT coalesce(sum(c.nanos), 0) FROM calls AS c CROSS JOIN turns AS t ON t.id = c.turn_id"
# The turn that gave a task to Claude Code and its tasks share the limit of one message.
_RELATED = """
    SELECT given_by FROM delegations WHERE turn_id = :turn_id
    UNION SELECT turn_id FROM delegations
    WHERE given_by = coalesce((SELECT given_by FROM delegations WHERE turn_id = :turn_id), :turn_id)
      AND turn_id <> :turn_id
"""
_STANDING = f"""
    SELECT 'message', CAST(CAST(:turn_id AS BIGINT) AS TEXT), 0,
           (SELECT coalesce(sum(nanos), 0) FROM ledger WHERE turn_id = :turn_id),
           (SELECT coalesce(sum(nanos), 0) FROM ledger WHERE turn_id IN ({_RELATED}))
               + (SELECT coalesce(sum(nanos), 0) FROM calls WHERE turn_id IN ({_RELATED})),
           (SELECT coalesce(sum(nanos), 0) FROM calls WHERE turn_id = :turn_id),
           0,
           coalesce((SELECT max(level) FROM alerts WHERE scope = 'message'
                     AND key = CAST(CAST(:turn_id AS BIGINT) AS TEXT)), 0)
    WHERE CAST(:turn_id AS BIGINT) IS NOT NULL
    UNION ALL
    SELECT 'session', CAST(:session_id AS TEXT), 0,
           coalesce((SELECT cost_nanos FROM claude_code_sessions WHERE id = :session_id), 0),
           ({_HELD} AND r.session = (SELECT number FROM claude_code_sessions WHERE id = :session_id)),
           ({_CALLED} WHERE t.session = (SELECT number FROM claude_code_sessions WHERE id = :session_id)),
           coalesce((SELECT nanos FROM raises WHERE scope = 'session' AND key = :session_id AND day = 0), 0),
           coalesce((SELECT max(level) FROM alerts WHERE scope = 'session' AND key = :session_id AND day = 0), 0)
    WHERE CAST(:session_id AS TEXT) IS NOT NULL
    UNION ALL
    SELECT 'user', CAST(:user_id AS TEXT), CAST(:day AS BIGINT),
           coalesce((SELECT nanos FROM daily_totals WHERE scope = 'user' AND key = :user_id AND day = :day), 0),
           ({_HELD} AND r.user_id = :user_id),
           ({_CALLED} WHERE t.user_id = :user_id),
           coalesce((SELECT nanos FROM raises WHERE scope = 'user' AND key = :user_id AND day = :day), 0),
           coalesce((SELECT max(level) FROM alerts WHERE scope = 'user' AND key = :user_id AND day = :day), 0)
    WHERE CAST(:user_id AS TEXT) IS NOT NULL
    UNION ALL
    SELECT 'system', '', CAST(:day AS BIGINT),
           coalesce((SELECT nanos FROM daily_totals WHERE scope = 'system' AND key = '' AND day = :day), 0),
           ({_HELD}),
           ({_CALLED}),
           coalesce((SELECT nanos FROM raises WHERE scope = 'system' AND key = '' AND day = :day), 0),
           coalesce((SELECT max(level) FROM alerts WHERE scope = 'system' AND key = '' AND day = :day), 0)
"""
_RESERVE = """
    INSERT INTO reservations (turn_id, user_id, session, nanos, epoch)
    SELECT id, user_id, session, ?, epoch FROM turns WHERE id = ? AND state = 'running' AND epoch = ?
    ON CONFLICT (turn_id) DO UPDATE SET nanos = excluded.nanos, epoch = excluded.epoch
"""
_ADDED = "SELECT coalesce((SELECT nanos FROM raises WHERE scope = ? AND key = ? AND day = ?), 0)"
_ADD = """
    INSERT INTO raises (scope, key, day, nanos) VALUES (?, ?, ?, ?)
    ON CONFLICT (scope, key, day) DO UPDATE SET nanos = raises.nanos + excluded.nanos
"""
_REOPEN = """
    UPDATE claude_code_sessions SET end_reason = ?, updated_ms = ?
    WHERE id = ? AND status = 'disconnected' AND end_reason = ?
"""
_TELL = "INSERT INTO alerts (scope, key, day, level, at_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
# A raised limit may be nearly used up again; its administrators then need another code.
_TELL_ANEW = "DELETE FROM alerts WHERE scope = ? AND key = ? AND day = ? AND level > 50"


class SqlBudgets:
    """`BudgetStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(
        self, turn_id: int | None, user_id: UserId | None, session_id: SessionId | None, *, now_ms: int
    ) -> tuple[list[Spent], int]:
        """Return how far the limits of a turn are used up, and the nanodollars that the turn itself has used."""

        def work(connection: Reader) -> tuple[list[Spent], int]:
            standing = _standing(connection, turn_id, user_id, session_id, now_ms)
            return standing, standing[0].used if turn_id is not None else 0

        return await self._database.read(work)

    async def reserve(
        self,
        turn_id: int,
        user_id: UserId,
        session_id: SessionId | None,
        nanos: int,
        check: Callable[[Sequence[Spent]], T | None],
        *,
        now_ms: int,
    ) -> T | None:
        """Reserve an amount for a running turn, unless `check` objects; return the objection."""

        def work(tx: Transaction) -> T | None:
            objection = check(_standing(tx, turn_id, user_id, session_id, now_ms))
            if objection is None:
                tx.execute(_RESERVE, (nanos, turn_id, tx.epoch))
            return objection

        return await self._database.write(work)

    async def told(self, reached: Sequence[Reached], *, now_ms: int) -> list[Reached]:
        """Record reached levels and write the alerts; return those whose highest level is new."""

        def work(tx: Transaction) -> list[Reached]:
            fresh = []
            for one in reached:
                spent = one.spent
                place = spent.scope, spent.key, spent.day
                recorded = [tx.changed(_TELL, (*place, level, now_ms)) for level in one.levels]
                if not recorded[-1]:
                    continue
                fresh.append(one)
                ref = reference(spent.scope, spent.day, spent.key)
                for user_id in one.recipients:
                    coded = user_id in one.coded
                    code = issue(tx, CodeKind.BUDGET, ref, user_id, one.until_ms) if coded else ""
                    add_drafts(tx, one.drafts(user_id, code), None, user_id, now_ms)
            return fresh

        return await self._database.write(work)


def raise_limit(tx: Transaction, more: Raise, by: UserId, message_id: MessageId, now_ms: int) -> str:
    """Add an amount to a limit, up to a bound and once for each code; return the text for the sender of the message.

    A session that has ended by its limit goes on with its next message.
    """
    place = more.scope, more.key, more.day
    added: int = tx.execute(_ADDED, place).fetchone()[0]
    if more.code and is_closed(tx, more.code):
        return more.told(added, Raised.USED)
    if added + more.nanos > more.most:
        return more.told(added, Raised.BEYOND)
    close(tx, more.code, now_ms)
    tx.execute(_ADD, (*place, more.nanos))
    tx.execute(_TELL_ANEW, place)
    detail = {"scope": more.scope, "key": more.key, "day": more.day, "nanos": more.nanos, "message": message_id}
    tx.record(by, "budget.raised", detail, now_ms)
    reopened = more.scope == "session" and tx.changed(_REOPEN, (EndReason.RAISED, now_ms, more.key, EndReason.BUDGET))
    return more.told(added + more.nanos, Raised.REOPENED if reopened else Raised.ADDED)


def _standing(
    reader: Transaction | Reader,
    turn_id: int | None,
    user_id: UserId | None,
    session_id: SessionId | None,
    now_ms: int,
) -> list[Spent]:
    day = now_ms // DAY_MS
    values = {"turn_id": turn_id, "user_id": user_id, "session_id": session_id, "day": day}
    return [
        Spent(scope=row[0], key=row[1], day=row[2], nanos=row[3], held=row[4], used=row[5], raised=row[6], told=row[7])
        for row in reader.execute(_STANDING, values)
    ]
