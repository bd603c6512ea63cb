"""The port of the ledger: charges, and the cost report with its query and rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from supervisor.protocol.messages import SessionId, UserId
from supervisor.store.records.charge import Charge


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """A total: of one key, or of everything."""

    key: str
    cost_nanos: int
    message_count: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostQuery:
    """Which charges to add up; days are UTC days since 1970, `until_day` excluded.

    Attributes:
        group_by: "user", "session", "day", "channel", "model", or None for the total alone.
    """

    user_id: UserId | None = None
    session_id: SessionId | None = None
    since_day: int | None = None
    until_day: int | None = None
    group_by: str | None = None
    limit: int = 500


class LedgerStore(Protocol):
    """What was spent."""

    async def journal(self, turn_id: int, charge: Charge) -> None:
        """Keep what a call of a running turn has cost so far; the same ref replaces; posted by `Turns.finish`."""

    async def post(self, turn_id: int | None, charge: Charge, *, user_id: UserId | None, now_ms: int) -> bool:
        """Post a charge by itself (it came after the turn's end, or belongs to none); False = the ref is posted."""

    async def cost(self, query: CostQuery) -> tuple[CostLine, list[CostLine]]:
        """Return the total (key "") and the rows of a query; totals never count messages."""

    async def disagreements(self) -> list[str]:
        """Compare the sums of ledger, messages, sessions and rollups; return a sentence per difference."""
