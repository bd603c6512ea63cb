"""REST: what turns have cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from supervisor.operations.queries import Queries
from supervisor.protocol.limits import Shaped
from supervisor.protocol.requests import GroupBy, Name
from supervisor.protocol.times import DAY_OR_TIME
from supervisor.protocol.wire.rows import CostRow
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.resource import Endpoint, Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What was spent; `rows` is empty without `group_by`."""

    total_usd: float
    rows: Sequence[CostRow]


class CostRoutes:
    """The route of costs."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def endpoints(self) -> list[Endpoint]:
        """Return the route."""
        return [Endpoint("GET", "/api/costs", self.costs)]

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
