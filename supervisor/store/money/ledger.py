"""The ledger: the journal of running turns, late charges, and cost queries."""

from __future__ import annotations

from supervisor.protocol.messages import UserId
from supervisor.store.engine import Database
from supervisor.store.money.charges import owner_of, post_late
from supervisor.store.money.cost import cost, is_kept_total
from supervisor.store.money.disagreements import disagreements
from supervisor.store.ports.ledger import CostLine, CostQuery
from supervisor.store.records.charge import Charge
from supervisor.store.rows import from_charge
from supervisor.store.transaction import Transaction

_JOURNAL = """
    INSERT INTO calls (ref, kind, model, input, output, cache_read, cache_write_5m, cache_write_1h, nanos, estimated,
                       turn_id, epoch)
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, id, epoch FROM turns
    WHERE id = ? AND state IN ('running', 'waiting') AND epoch = ?
    ON CONFLICT (ref) DO UPDATE SET
        kind = excluded.kind, model = excluded.model, input = excluded.input, output = excluded.output,
        cache_read = excluded.cache_read, cache_write_5m = excluded.cache_write_5m,
        cache_write_1h = excluded.cache_write_1h, nanos = excluded.nanos, estimated = excluded.estimated,
        epoch = excluded.epoch
"""


class SqlLedger:
    """`LedgerStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def journal(self, turn_id: int, charge: Charge) -> None:
        """Keep the cost of a call so far; nothing is written if its turn does not run under this epoch."""

        def work(tx: Transaction) -> None:
            tx.point("journal")
            tx.execute(_JOURNAL, (*from_charge(charge), turn_id, tx.epoch))

        await self._database.write(work)

    async def post(self, turn_id: int | None, charge: Charge, *, user_id: UserId | None, now_ms: int) -> bool:
        """Post a charge that does not come with T3; the charge of a turn counts for the turn's user."""

        def work(tx: Transaction) -> bool:
            tx.point("post")
            return post_late(tx, owner_of(tx, turn_id, user_id, ""), [charge], now_ms) == 1

        return await self._database.write(work)

    async def cost(self, query: CostQuery) -> tuple[CostLine, list[CostLine]]:
        """Return the total (key "") and the rows of a query.

        A total that is kept is a quick read: neither a text nor a socket waits for the rows of somebody else's query.
        """
        read = self._database.read if is_kept_total(query) else self._database.scan
        return await read(lambda connection: cost(connection, query))

    async def disagreements(self) -> list[str]:
        """Compare the sums of ledger, messages, sessions and rollups; return a sentence per difference."""
        return await self._database.examine(disagreements)
