"""Messages that are pushed when money is spent (docs/protocol.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from supervisor.protocol.wire.event import Event
from supervisor.protocol.wire.omit import OMIT, Omit


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRecorded(Event):
    """Pushed: the cost of a turn or of a delivery, after it is committed."""

    user_id: str
    session_id: str | None
    message_id: str | None
    cost_usd: float
    channel: str
    timestamp: str
    type: Literal["cost_recorded"] = "cost_recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAlert(Event):
    """Pushed: a budget is nearly or fully spent. For the budget of a `message` it names the user and the session."""

    scope: str
    id: str
    spent_usd: float
    limit_usd: float
    level: Literal["warning", "exceeded"]
    user_id: str | Omit = OMIT
    session_id: str | Omit = OMIT
    type: Literal["cost_alert"] = "cost_alert"
