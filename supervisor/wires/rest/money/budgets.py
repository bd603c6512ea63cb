"""REST: the limits on spending, and how much of each is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from supervisor.operations.queries import Queries
from supervisor.protocol.errors import InvalidMessage
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.requests import Name
from supervisor.protocol.times import usd
from supervisor.protocol.values.record import record
from supervisor.spending.limits import Scope
from supervisor.spending.spending import Spending
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.resource import Endpoint


@record
class Budget:
    """A limit of a `session`, or of a `user` or the `system` for today (UTC); running turns reserve `held_usd`."""

    scope: str
    id: str
    limit_usd: float
    spent_usd: float
    held_usd: float


@record
class Budgets:
    """The limits of a user and of a session, if one is given; that of the `system` for callers that oversee it."""

    budgets: Sequence[Budget]


class BudgetRoutes:
    """The route of budgets."""

    def __init__(self, queries: Queries, spending: Spending) -> None:
        self._queries = queries
        self._spending = spending

    def endpoints(self) -> list[Endpoint]:
        """Return the route."""
        return [Endpoint("GET", "/api/budgets", self.budgets)]

    async def budgets(
        self,
        caller: Calling,
        user_id: Annotated[Name | None, Query()] = None,
        session_id: Annotated[str | None, Query(max_length=256)] = None,
    ) -> Budgets:
        """Return the limits of a user and a session, and how much of each is spent and reserved."""
        session = None
        if session_id is not None:
            session = await self._queries.readable_session(caller, SessionId(session_id))
        owner: str | None = user_id or caller.user_id or (session.user_id if session is not None else None)
        if owner is None:
            raise InvalidMessage("user_id", "field required for a service")
        user = self._queries.readable_user(caller, owner)
        accounts = await self._spending.standing(UserId(user.id), session.id if session is not None else None)
        return Budgets(
            budgets=[
                Budget(
                    scope=account.scope,
                    id=account.id,
                    limit_usd=usd(account.limit),
                    spent_usd=usd(account.spent),
                    held_usd=usd(account.held),
                )
                for account in accounts
                if account.scope is not Scope.SYSTEM or self._queries.oversees(caller)
            ]
        )
