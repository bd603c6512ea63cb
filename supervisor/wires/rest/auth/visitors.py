"""Who comes to sign in, read from a request; requests of foreign pages are refused."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request

from supervisor.people.identity import digest
from supervisor.protocol.errors import NotAllowed
from supervisor.store.ports.people.sign_in import Visitor
from supervisor.wires.http.auth import visitor_of
from supervisor.wires.http.cookies import Cookies


def visitor(request: Request, cookies: Cookies) -> Visitor:
    """Return who sends a request."""
    asked = cookies.asked(request.scope)
    return replace(visitor_of(request.scope), browser=digest(asked) if asked else None)


class OwnPages:
    """A dependency of the routes: refuses a change that does not come from a page of our own, in JSON.

    Without it, a foreign page could sign its visitor in as somebody else (login CSRF).
    """

    def __init__(self, cookies: Cookies) -> None:
        self._cookies = cookies

    async def __call__(self, request: Request) -> None:
        """Return if the request may pass.

        Raises:
            NotAllowed: it may not.
        """
        if request.method not in ("GET", "HEAD") and not (
            self._cookies.comes_from_us(request.scope) and self._cookies.may_change(request.scope)
        ):
            raise NotAllowed(
                "a request that no page of this server sends",
                "open http://localhost:PORT or http.public_url; a program sends `Origin` and application/json",
            )
