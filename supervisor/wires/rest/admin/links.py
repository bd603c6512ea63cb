"""Admin: a link with which a user signs in once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from supervisor.protocol.errors import Unsupported
from supervisor.protocol.times import rfc3339
from supervisor.wires.rest.resource import Endpoint, Id

MakeLink = Callable[[str], Awaitable[tuple[str, int]]]
"""Returns a link for a user, and when it expires, in milliseconds UTC."""


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

    async def link(self, user_id: Id) -> dict[str, Any]:
        """Return a link that signs a user in, once, within 10 minutes, in any browser."""
        if self._make_link is None:
            raise Unsupported("signing in without a running daemon")
        link, expires_ms = await self._make_link(user_id)
        return {"link": link, "expires_at": rfc3339(expires_ms)}
