"""REST: who a token or a cookie names, and what they may see."""

from __future__ import annotations

from supervisor.people.identity import Directory
from supervisor.protocol.values.record import record
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.resource import Endpoint


@record
class Me:
    """Who asks; `user_id` and `role` are null for a service and for the operator's token.

    Attributes:
        oversees: reads records and costs of everybody.
        administers: also reads what everybody did, and who may do what.
        signed_in: by a cookie, not by a token.
    """

    name: str
    user_id: str | None
    role: str | None
    oversees: bool
    administers: bool
    signed_in: bool


class MeRoutes:
    """The route that tells a page what it can offer; every other route checks again."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def endpoints(self) -> list[Endpoint]:
        """Return the route."""
        return [Endpoint("GET", "/api/me", self.me)]

    async def me(self, caller: Calling) -> Me:
        """Return who asks."""
        user = self._directory.user(caller.user_id) if caller.user_id is not None else None
        return Me(
            name=user.name if user is not None else caller.name,
            user_id=caller.user_id,
            role=user.role.value if user is not None else None,
            oversees=self._directory.oversees(caller),
            administers=self._directory.administers(caller),
            signed_in=bool(caller.session_id),
        )
