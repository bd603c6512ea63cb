"""Admin: where a message would be routed, without sending it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import BaseModel

from supervisor.people.accounts import Accounts
from supervisor.protocol.errors import Unsupported
from supervisor.protocol.limits import Length
from supervisor.protocol.requests import Name, Text
from supervisor.routing.rules import Decision
from supervisor.store.records.accounts import User
from supervisor.wires.rest.resource import Endpoint

DEFAULT_CHANNEL = "sms"

Decide = Callable[[User, str, str], Awaitable[Decision]]
"""Returns where a message of a user would be routed: user, channel, text (`MessageOperations.decide`)."""


class Question(BaseModel):
    """A message that somebody might write."""

    text: Text
    user_id: Name | None = None
    channel: Annotated[str, Length(1, 32)] = DEFAULT_CHANNEL


class RoutingCheckRoutes:
    """The route of routing checks.

    Args:
        decide: None = there is no daemon that could route.
    """

    def __init__(self, accounts: Accounts, decide: Decide | None) -> None:
        self._accounts = accounts
        self._decide = decide

    def endpoints(self) -> list[Endpoint]:
        """Return the route."""
        return [Endpoint("POST", "/route", self.route)]

    async def route(self, body: Question) -> dict[str, Any]:
        """Return where a message would be routed, and why; nothing is sent."""
        if self._decide is None:
            raise Unsupported("routing without a running daemon")
        user = self._accounts.subject(body.user_id)
        decision = await self._decide(user, body.channel, body.text)
        project = decision.project.name if decision.project is not None else None
        return {"target": decision.target.value, "reason": decision.reason, "project": project}
