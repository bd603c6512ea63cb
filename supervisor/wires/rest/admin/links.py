"""Admin: a link with which a user signs in once."""

from __future__ import annotations

from typing import Any, Protocol

from supervisor.protocol.errors import Unsupported
from supervisor.protocol.times import rfc3339
from supervisor.store.ports.people.accounts import THE_OPERATOR
from supervisor.store.records.accounts import Actor
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.admin.users import CHANNEL
from supervisor.wires.rest.resource import Endpoint, Id


class MakeLink(Protocol):
    """Makes links."""

    async def __call__(self, user_id: str, *, by: Actor = THE_OPERATOR) -> tuple[str, int]:
        """Return a link for a user, and when it expires, in milliseconds UTC; `by` wants it, for the audit trail."""


class SignInLinkRoutes:
    """The route of links.

    Args:
        make_link: None = there is no daemon that could redeem one.
    """

    def __init__(self, make_link: MakeLink | None) -> None:
        self._make_link = make_link

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [Endpoint("POST", "/users/{user_id}/link", self.link, 201)]

    async def link(self, caller: Calling, user_id: Id) -> dict[str, Any]:
        """Return a link that signs a user in, once, within 10 minutes, in any browser."""
        if self._make_link is None:
            raise Unsupported("signing in without a running daemon")
        link, expires_ms = await self._make_link(user_id, by=caller.actor(CHANNEL))
        return {"link": link, "expires_at": rfc3339(expires_ms)}
