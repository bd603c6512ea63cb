"""Replies that leave by a channel: pending -> sending -> sent -> delivered or undelivered; or dead."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from supervisor.protocol.messages import Address, Delivery, OutboxId, UserId
from supervisor.protocol.status import OutboxState
from supervisor.store.cluster.nodes import is_dead
from supervisor.store.drafts import add_drafts
from supervisor.store.engine import Database, Reader
from supervisor.store.money.charges import owner_of, post_late
from supervisor.store.ports.outbox import LONGEST_PAUSE_MS, Drafts
from supervisor.store.records.charge import Charge
from supervisor.store.records.outbox import OutboxDraft, OutboxRow
from supervisor.store.rows import OUTBOX, to_outbox_row
from supervisor.store.transaction import Transaction, to_json

ROW = f"{OUTBOX} WHERE o.id = ?"
# The replies to one address leave in the order in which they were written: an unsent one blocks the later ones.
_IS_FIRST = """
    NOT EXISTS (SELECT 1 FROM outbox AS earlier
                WHERE earlier.channel = o.channel AND earlier.to_kind = o.to_kind AND earlier.recipient = o.recipient
                  AND earlier.number < o.number AND earlier.state IN ('pending', 'sending'))
"""
_IS_TIME = f"(not_before_ms <= :now_ms OR not_before_ms > :now_ms + {LONGEST_PAUSE_MS})"
_DUE = f"""
    {OUTBOX} WHERE o.channel = :channel AND o.state = 'pending' AND {_IS_TIME} AND {_IS_FIRST} {{among}}
    ORDER BY o.not_before_ms, o.number LIMIT :limit
"""
_AMONG = "AND o.recipient IN (SELECT value FROM json_each(:recipients))"
NEXT_DUE = f"""
    SELECT min(o.not_before_ms) FROM outbox AS o WHERE o.channel = :channel AND o.state = 'pending' AND {_IS_FIRST}
"""
# A reply whose recipient is away has no attempt that counts, and its time has not come.
LATE = f"""
    {OUTBOX} WHERE o.number IN (SELECT number FROM outbox INDEXED BY outbox_line WHERE state IN ('pending', 'sending'))
      AND o.created_ms <= :before_ms AND {_IS_FIRST}
      AND CASE WHEN o.state = 'pending' THEN o.attempts > 0 OR o.not_before_ms <= :before_ms
               ELSE o.attempts > 1 OR o.sending_ms <= :before_ms END
      AND (CAST(:user_id AS TEXT) IS NULL OR o.user_id = :user_id)
    ORDER BY o.number LIMIT :limit
"""
GIVEN_UP = f"""
    {OUTBOX} WHERE o.number IN (SELECT number FROM outbox INDEXED BY outbox_failed
                                WHERE (state = 'undelivered' OR state = 'dead') AND updated_ms > :since_ms)
      AND (CAST(:user_id AS TEXT) IS NULL OR o.user_id = :user_id)
    ORDER BY o.number DESC LIMIT :limit
"""
# Those of a node that lives are its own to find out about: it may be sending them now.
SENDING = f"""
    {OUTBOX} WHERE o.channel = ? AND o.state = 'sending' AND (o.epoch = ? OR {is_dead("o.epoch")}) ORDER BY o.number
"""
LAST_CUT = f"""
    {OUTBOX} WHERE o.channel = ? AND o.recipient = ? AND o.to_kind = ? AND o.note >= 'more:' AND o.note < 'more;'
    ORDER BY o.number DESC LIMIT 1
"""
LAST_PART = f"""
    {OUTBOX} WHERE json_extract(o.meta, '$.call.reader') = ? ORDER BY o.number DESC LIMIT 1
"""
RECENT = f"""
    {OUTBOX} WHERE o.number > (SELECT max(number) FROM outbox) - 5000 AND o.channel = ? AND o.recipient = ?
      AND o.to_kind = ? AND (o.provider_id IS NOT NULL OR o.state = 'sending')
    ORDER BY o.number DESC LIMIT 50
"""
# A reply that was due a moment ago may have been tried and put back meanwhile.
_BEGIN = f"""
    UPDATE outbox SET state = 'sending', attempts = attempts + 1, sending_ms = :now_ms, updated_ms = :now_ms,
                      epoch = :epoch WHERE id = :id AND state = 'pending' AND {_IS_TIME}
"""
_FIND = "SELECT turn_id, user_id, channel, state, provider_id, attempts FROM outbox WHERE id = ?"
BY_PROVIDER_ID = "SELECT id FROM outbox WHERE channel = ? AND provider_id = ?"
_SENT = """
    UPDATE outbox SET state = 'sent', provider_id = ?, note = ?, updated_ms = ?, epoch = ?
    WHERE id = ? AND state = 'sending'
"""
_NOTE = "UPDATE outbox SET note = ? WHERE id = ?"
_RETRY = """
    UPDATE outbox SET state = 'pending', note = ?, not_before_ms = ?, attempts = attempts - ?, sending_ms = NULL
    WHERE id = ? AND state = 'sending' AND attempts = coalesce(?, attempts)
"""
_DEAD = """
    UPDATE outbox SET state = 'dead', note = ?, updated_ms = ?, epoch = ?
    WHERE id = ? AND state IN ('pending', 'sending') AND attempts = coalesce(?, attempts)
"""
_REPORT = """
    UPDATE outbox SET state = ?, provider_id = coalesce(provider_id, ?), note = CASE WHEN ? = '' THEN note ELSE ? END,
                      updated_ms = ?, epoch = ?
    WHERE id = ?
"""
WAKE = """
    UPDATE outbox SET not_before_ms = :now_ms
    WHERE channel = :channel AND state = 'pending' AND not_before_ms > :now_ms
      AND recipient = :value AND to_kind = :kind
"""
HASTEN = """
    UPDATE outbox SET not_before_ms = :now_ms
    WHERE channel = :channel AND state = 'pending' AND not_before_ms > :now_ms AND updated_ms > :now_ms
"""
_NAMED = "o.channel = :channel AND (o.provider_id = :name OR o.id = :name)"
# The thread of its session comes first: a command in another thread may have resumed the turn.
FIND_THREAD = f"""
    SELECT coalesce(nullif(s.thread, ''), t.thread) FROM outbox AS o JOIN turns AS t ON t.id = o.turn_id
    LEFT JOIN claude_code_sessions AS s ON s.number = t.session WHERE {_NAMED}
"""
BY_NAME = f"{OUTBOX} WHERE {_NAMED}"
COUNTS = """
    SELECT 'pending', count(*) FROM outbox WHERE state = 'pending'
    UNION ALL SELECT 'sending', count(*) FROM outbox WHERE state = 'sending'
    UNION ALL SELECT 'dead', count(*) FROM outbox WHERE state = 'dead'
"""
# The refs of a reply's charges are its id, or begin with its id and a separator.
_POSTED = "SELECT sum(nanos), max(kind), max(model) FROM ledger WHERE ref >= :id AND ref < :id || '~'"

_HAS_PRICE = "SELECT 1 FROM ledger WHERE ref = ?"

_TAKEN = frozenset({OutboxState.SENT, OutboxState.DELIVERED, OutboxState.UNDELIVERED})
"""The states of a reply that the provider has accepted."""
_RANK = {
    OutboxState.PENDING: 0,  # after an attempt that seemed to have failed
    OutboxState.SENDING: 0,
    OutboxState.SENT: 1,
    OutboxState.DELIVERED: 2,
    OutboxState.UNDELIVERED: 2,
}
"""The order of states: a report only moves a reply to a higher one, and a dead reply stays dead."""


def _among(recipients: Collection[str] | None) -> tuple[str, dict[str, str]]:
    """Return the condition that a reply is to one of these, with its values; None = no condition."""
    return ("", {}) if recipients is None else (_AMONG, {"recipients": to_json(sorted(recipients))})


class SqlOutbox:
    """`OutboxStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listen(self, listener: Callable[[AbstractSet[str]], None]) -> None:
        """Call `listener` after each commit that left replies to deliver, with the names of their channels."""
        self._database.listeners.on_replies(listener)

    async def add(self, draft: OutboxDraft, *, user_id: UserId | None, now_ms: int) -> None:
        """Write a reply that belongs to no turn; if its id exists, nothing changes."""
        assert draft.text is not None, "only a turn's reply takes its text from the turn"

        def work(tx: Transaction) -> None:
            if tx.execute("SELECT 1 FROM outbox WHERE id = ?", (draft.id,)).fetchone() is None:
                add_drafts(tx, [draft], None, user_id, now_ms)

        await self._database.write(work)

    async def due(
        self, channel: str, *, now_ms: int, limit: int, recipients: Collection[str] | None = None
    ) -> list[OutboxRow]:
        """Return the first unsent reply to each address of a channel, if it is pending and due; longest due first."""
        among, given = _among(recipients)
        sql, values = _DUE.format(among=among), {"channel": channel, "now_ms": now_ms, "limit": limit, **given}
        return await self._database.read(
            lambda connection: [to_outbox_row(row) for row in connection.execute(sql, values)]
        )

    async def hasten(self, channel: str, *, now_ms: int) -> int:
        """Make the replies due that were put back at a later time, before the clock went back; return how many."""
        values = {"channel": channel, "now_ms": now_ms}
        return await self._database.write(lambda tx: tx.execute(HASTEN, values).rowcount)

    async def next_due_ms(self, channel: str, recipients: Collection[str] | None = None) -> int | None:
        """Return when the next pending reply that is the first to its address is due; None = there is none."""
        among, given = _among(recipients)

        def work(connection: Reader) -> int | None:
            found = connection.execute(f"{NEXT_DUE} {among}", {"channel": channel, **given})
            due_ms: int | None = found.fetchone()[0]
            return due_ms

        return await self._database.read(work)

    async def begin(self, outbox_id: OutboxId, *, now_ms: int) -> OutboxRow | None:
        """pending -> sending."""

        def work(tx: Transaction) -> OutboxRow | None:
            tx.point("begin")
            begun = tx.changed(_BEGIN, {"id": outbox_id, "now_ms": now_ms, "epoch": tx.epoch})
            return to_outbox_row(tx.execute(ROW, (outbox_id,)).fetchone()) if begun else None

        return await self._database.write(work)

    async def sent(
        self,
        outbox_id: OutboxId,
        provider_id: str,
        note: str,
        charges: Sequence[Charge],
        *,
        now_ms: int,
        attempt: int | None = None,
    ) -> bool:
        """sending -> sent.

        If the provider's report came first and has moved the reply on, note and charges are still written.
        """

        def work(tx: Transaction) -> bool:
            tx.point("sent")
            row = tx.one(_FIND, (outbox_id,))
            if row is None:
                return False
            turn_id, user_id, channel, state, known_id, attempts = row
            if known_id == provider_id and state in _TAKEN:
                if note:
                    tx.execute(_NOTE, (note, outbox_id))
                if tx.one(_HAS_PRICE, (_price_ref(outbox_id),)) is not None:
                    return True
            else:
                holder = tx.one(BY_PROVIDER_ID, (channel, provider_id))
                if (
                    state != OutboxState.SENDING
                    or attempt not in (None, attempts)
                    or holder not in (None, (outbox_id,))
                ):
                    return False
                tx.execute(_SENT, (provider_id, note, now_ms, tx.epoch, outbox_id))
                tx.record("supervisor", "reply.sent", {"id": outbox_id, "channel": channel}, now_ms)
            post_late(tx, owner_of(tx, turn_id, user_id, channel), charges, now_ms)
            return True

        return await self._database.write(work)

    async def retry(
        self, outbox_id: OutboxId, why: str, *, not_before_ms: int, count: bool, attempt: int | None = None
    ) -> bool:
        """sending -> pending."""
        values = (why, not_before_ms, 0 if count else 1, outbox_id, attempt)

        def work(tx: Transaction) -> bool:
            tx.point("retry")
            return tx.changed(_RETRY, values)

        return await self._database.write(work)

    async def dead(
        self, outbox_id: OutboxId, why: str, *, now_ms: int, notices: Drafts | None = None, attempt: int | None = None
    ) -> bool:
        """pending or sending -> dead."""

        def work(tx: Transaction) -> bool:
            tx.point("dead")
            if not tx.changed(_DEAD, (why, now_ms, tx.epoch, outbox_id, attempt)):
                return False
            channel = tx.execute(_FIND, (outbox_id,)).fetchone()[2]
            tx.record("supervisor", "reply.dead", {"id": outbox_id, "why": why}, now_ms, channel=channel)
            _tell(tx, outbox_id, notices, now_ms)
            return True

        return await self._database.write(work)

    async def sending(self, channel: str) -> list[OutboxRow]:
        """Return the replies of unknown outcome that this node or a dead one began to send, oldest first."""
        return await self._rows(SENDING, channel, self._database.epoch)

    async def late(self, *, before_ms: int, user_id: UserId | None, limit: int) -> list[OutboxRow]:
        """Return the replies that should have left before a time and hold up those behind them, oldest first."""
        values = {"before_ms": before_ms, "user_id": user_id, "limit": limit}
        return await self._database.read(
            lambda connection: [to_outbox_row(row) for row in connection.execute(LATE, values)]
        )

    async def given_up(self, *, since_ms: int, user_id: UserId | None, limit: int) -> list[OutboxRow]:
        """Return the replies that were given up, or reported as not delivered, since a time, newest first."""
        values = {"since_ms": since_ms, "user_id": user_id, "limit": limit}
        return await self._database.read(
            lambda connection: [to_outbox_row(row) for row in connection.execute(GIVEN_UP, values)]
        )

    async def delivered(
        self, channel: str, delivery: Delivery, *, now_ms: int, notices: Drafts | None = None
    ) -> OutboxRow | None:
        """Apply a provider's report, and post the price once it is known; None = unknown reply."""

        def work(tx: Transaction) -> OutboxRow | None:
            tx.point("delivered")
            outbox_id = _reported(tx, channel, delivery)
            if outbox_id is None:
                return None
            turn_id, user_id, _, state, *_ = tx.execute(_FIND, (outbox_id,)).fetchone()
            reported = OutboxState(delivery.state)
            rank = _RANK.get(OutboxState(state))
            if rank is not None and rank < _RANK[reported]:
                error = delivery.error
                tx.execute(_REPORT, (reported, delivery.provider_id, error, error, now_ms, tx.epoch, outbox_id))
                if reported is OutboxState.DELIVERED:
                    tx.record("supervisor", "reply.delivered", {"id": outbox_id}, now_ms, channel=channel)
                if reported is OutboxState.UNDELIVERED:
                    detail = {"id": outbox_id, "why": error}
                    tx.record("supervisor", "reply.undelivered", detail, now_ms, channel=channel)
                    _tell(tx, outbox_id, notices, now_ms)
            if delivery.price_nanos is not None:
                _post_price(tx, outbox_id, turn_id, user_id, channel, delivery.price_nanos, now_ms)
            return to_outbox_row(tx.execute(ROW, (outbox_id,)).fetchone())

        return await self._database.write(work)

    async def wake(self, channel: str, to: Address, *, now_ms: int) -> int:
        """Make the pending replies to an address due now."""
        values = {"channel": channel, "now_ms": now_ms, "kind": to.kind, "value": to.value}

        def work(tx: Transaction) -> int:
            woken = tx.execute(WAKE, values).rowcount
            if woken:
                tx.channels.add(channel)
            return woken

        return await self._database.write(work)

    async def find_thread(self, channel: str, names: Sequence[str]) -> str | None:
        """Return the thread of the turn that the first reply of these names answered."""

        def work(connection: Reader) -> str | None:
            for name in names:
                row = connection.execute(FIND_THREAD, {"channel": channel, "name": name}).fetchone()
                if row is not None:
                    return str(row[0])
            return None

        return await self._database.read(work)

    async def sent_replies(self, channel: str, names: Sequence[str]) -> list[OutboxRow]:
        """Return the replies of these names, each once, in the order of the names."""

        def work(connection: Reader) -> list[OutboxRow]:
            found = (connection.execute(BY_NAME, {"channel": channel, "name": name}).fetchone() for name in names)
            return list({row[0]: to_outbox_row(row) for row in found if row is not None}.values())

        return await self._database.read(work)

    async def recent(self, channel: str, to: Address) -> list[OutboxRow]:
        """Return the replies to an address that a provider has, or may have, taken lately, newest first; at most 50."""
        return await self._rows(RECENT, channel, to.value, to.kind)

    async def get(self, outbox_id: OutboxId) -> OutboxRow | None:
        """Return a reply."""
        return next(iter(await self._rows(ROW, outbox_id)), None)

    async def last_cut(self, channel: str, to: Address) -> OutboxRow | None:
        """Return the newest reply to an address whose note says "more:<offset>"."""
        rows = await self._rows(LAST_CUT, channel, to.value, to.kind)
        return rows[0] if rows else None

    async def last_part(self, reader: str) -> OutboxRow | None:
        """Return the newest reply that shows a part of a call to a reader."""
        rows = await self._rows(LAST_PART, reader)
        return rows[0] if rows else None

    async def counts(self) -> dict[OutboxState, int]:
        """Return how many replies are pending, sending and dead."""
        return await self._database.read(
            lambda connection: {OutboxState(state): count for state, count in connection.execute(COUNTS)}
        )

    async def _rows(self, query: str, *values: Any) -> list[OutboxRow]:
        return await self._database.read(
            lambda connection: [to_outbox_row(row) for row in connection.execute(query, values)]
        )


def _reported(tx: Transaction, channel: str, delivery: Delivery) -> str | None:
    """Return the id of the reply that a report is about; None = unknown."""
    row = tx.one(BY_PROVIDER_ID, (channel, delivery.provider_id))
    if row is None and delivery.outbox_id is not None:
        row = tx.one(
            "SELECT id FROM outbox WHERE id = ? AND channel = ? AND provider_id IS NULL", (delivery.outbox_id, channel)
        )
    return None if row is None else str(row[0])


def _tell(tx: Transaction, outbox_id: str, notices: Drafts | None, now_ms: int) -> None:
    """Write notices about a reply that will not arrive. They belong to its turn, so answers to them find its thread."""
    if notices is not None:
        row = to_outbox_row(tx.execute(ROW, (outbox_id,)).fetchone())
        turn_id, user_id, *_ = tx.execute(_FIND, (outbox_id,)).fetchone()
        add_drafts(tx, notices(row), turn_id, user_id, now_ms)


def _price_ref(outbox_id: str) -> str:
    return f"{outbox_id}/price"


def _post_price(
    tx: Transaction, outbox_id: str, turn_id: int | None, user_id: str | None, channel: str, nanos: int, now_ms: int
) -> None:
    """Post the difference between the final price and the charges of the send, once."""
    posted, kind, model = tx.execute(_POSTED, {"id": outbox_id}).fetchone()
    charge = Charge(
        ref=_price_ref(outbox_id), kind=kind or channel, model=model or channel, nanos=nanos - (posted or 0)
    )
    post_late(tx, owner_of(tx, turn_id, user_id, channel), [charge], now_ms)
