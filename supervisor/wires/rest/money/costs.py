"""REST: what turns have cost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

from fastapi import Query

from supervisor.operations.queries import Queries
from supervisor.protocol.errors import InvalidMessage
from supervisor.protocol.limits import Shaped
from supervisor.protocol.requests import GroupBy, Name
from supervisor.protocol.times import DAY_OR_TIME, day_text, parse_day
from supervisor.protocol.values.record import record
from supervisor.protocol.wire.rows import CostRow
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.resource import Endpoint, Limit

MAX_DAYS = 92
"""Most days of one answer of `/api/costs/days`."""

Split = Literal["user", "session", "channel", "model", "project"]


@record
class Cost:
    """What was spent; `rows` is empty without `group_by`."""

    total_usd: float
    rows: Sequence[CostRow]


@record
class DayCost:
    """What was spent on one UTC day, in rows by what `split_by` names."""

    day: str
    cost_usd: float
    rows: Sequence[CostRow]


@record
class DailyCost:
    """What was spent on each day from `since` on, before `until`, oldest first."""

    total_usd: float
    days: Sequence[DayCost]


class CostRoutes:
    """The routes of costs."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [Endpoint("GET", "/api/costs", self.costs), Endpoint("GET", "/api/costs/days", self.daily)]

    async def costs(
        self,
        caller: Calling,
        user_id: Annotated[Name | None, Query()] = None,
        session_id: Annotated[str | None, Query(max_length=256)] = None,
        since: Annotated[str | None, Query(min_length=10, max_length=40), Shaped(DAY_OR_TIME)] = None,
        until: Annotated[str | None, Query(min_length=10, max_length=40), Shaped(DAY_OR_TIME)] = None,
        group_by: Annotated[GroupBy | None, Query()] = None,
        limit: Annotated[Limit, Query()] = 500,
    ) -> Cost:
        """Return what was spent; `since` and `until` are UTC days or times, `until` excluded."""
        event = await self._queries.cost(
            caller,
            user_id=user_id,
            session_id=session_id,
            since=since,
            until=until,
            group_by=group_by,
            limit=limit,
        )
        return Cost(total_usd=event.total_usd, rows=event.rows)

    async def daily(
        self,
        caller: Calling,
        since: Annotated[str, Query(min_length=10, max_length=10), Shaped(DAY_OR_TIME)],
        until: Annotated[str, Query(min_length=10, max_length=10), Shaped(DAY_OR_TIME)],
        split_by: Annotated[Split, Query()] = "user",
        user_id: Annotated[Name | None, Query()] = None,
    ) -> DailyCost:
        """Return what was spent on each of at most 92 UTC days; `until` is excluded."""

        async def cost(first: str, end: str) -> tuple[float, Sequence[CostRow]]:
            found = await self._queries.cost(
                caller, user_id=user_id, session_id=None, since=first, until=end, group_by=split_by, limit=500
            )
            return found.total_usd, found.rows

        days = [*map(day_text, range(_day("since", since), _day("until", until)))]
        if not 1 <= len(days) <= MAX_DAYS:
            raise InvalidMessage("until", f"must be 1 to {MAX_DAYS} days after since")
        parts = [await cost(day, end) for day, end in pairwise([*days, until])]
        total, _ = await cost(since, until)
        return DailyCost(
            total_usd=total,
            days=[DayCost(day=day, cost_usd=spent, rows=rows) for day, (spent, rows) in zip(days, parts, strict=True)],
        )


def _day(name: str, text: str) -> int:
    try:
        return parse_day(text)
    except ValueError:
        raise InvalidMessage(name, "must be a day, such as 2026-01-31") from None
