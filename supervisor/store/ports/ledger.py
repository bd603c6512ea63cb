"""The `LedgerStore` port: charges, and sums of them with their query and rows."""

from __future__ import annotations

from typing import Protocol

from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.values.record import record
from supervisor.store.records.charge import Charge


@record
class CostLine:
    """A sum of charges.

    Attributes:
        key: what `CostQuery.group_by` names, such as a user's id; empty for the total.
    """

    key: str
    cost_nanos: int
    message_count: int
    input_tokens: int
    output_tokens: int


@record
class CostQuery:
    """The charges to add up.

    Attributes:
        user_id, session_id: None = of all.
        since_day, until_day: UTC days since 1970, the last one excluded; None = without a bound.
        group_by: "user", "session", "day", "channel", "model", "project", or None for the total alone.
    """

    user_id: UserId | None = None
    session_id: SessionId | None = None
    since_day: int | None = None
    until_day: int | None = None
    group_by: str | None = None
    limit: int = 500


class LedgerStore(Protocol):
    """The ledger and its journal."""

    async def journal(self, turn_id: int, charge: Charge) -> None:
        """Keep the cost of a call of a running turn so far; the same ref is replaced. T3 posts it to the ledger."""

    async def post(self, turn_id: int | None, charge: Charge, *, user_id: UserId | None, now_ms: int) -> bool:
        """Post a charge that came after its turn's end, or belongs to no turn; False = the ref was posted before."""

    async def cost(self, query: CostQuery) -> tuple[CostLine, list[CostLine]]:
        """Return the total and the rows of a query; it reads sums, and never counts messages."""

    async def disagreements(self) -> list[str]:
        """Compare the sums of ledger, messages, sessions and rollups; return a sentence per difference."""
