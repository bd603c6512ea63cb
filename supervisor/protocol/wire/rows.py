"""The rows of the lists that events carry, one dataclass each (docs/protocol.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """The cost of one user, session, day, channel, model or project."""

    key: str
    cost_usd: float
    message_count: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostBudget:
    """A budget with its limit and spending: of a `session`, or of a `user` or the `system` today (UTC)."""

    scope: str
    id: str
    limit_usd: float
    spent_usd: float
