"""Which people may use the routes of the admin API that are not for the operator alone."""

from __future__ import annotations

from supervisor.people.identity import Directory
from supervisor.people.sign_in.freshness import FreshProof
from supervisor.protocol.errors import NotAllowed, UserNotFound
from supervisor.protocol.status import Role
from supervisor.wires.http.auth import Calling


class Administrators:
    """A dependency of routes: lets the operator pass, and administrators who have just shown a passkey in a browser.

    A person's token does not count: a program that holds it could make itself others.
    """

    def __init__(self, directory: Directory, fresh: FreshProof) -> None:
        self._directory = directory
        self._fresh = fresh

    async def __call__(self, caller: Calling) -> None:
        """Return if the request may pass.

        Raises:
            FreshCheckNeeded: the administrator must show a passkey first.
            NotAllowed: it may not.
        """
        if caller.operator:
            return
        if not (caller.session_id and self._is_administrator(caller.name)):
            raise NotAllowed(
                "the admin API",
                "it takes the operator's token (state.dir/operator.token), or an administrator's session in a browser",
            )
        await self._fresh.of_others(caller)

    def _is_administrator(self, user_id: str) -> bool:
        try:
            return self._directory.user(user_id).role is Role.ADMIN
        except UserNotFound:
            return False
