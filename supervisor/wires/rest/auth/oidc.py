"""REST: which ways of signing in there are, and sign-in at another service (OpenID Connect).

A service sends the browser back to a page of ours, and a POST of that page ends the sign-in. So a browser that comes
from a foreign site keeps and sends the cookie of the session (SameSite=Strict), and a GET changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import Request, Response
from pydantic import BaseModel, Field

from supervisor.people.sign_in.oidc.sign_in import MINUTES, OidcSignIn, Return, Service
from supervisor.people.sign_in.sign_in import SignIn
from supervisor.protocol.limits import Length
from supervisor.protocol.values.record import record
from supervisor.wires.http.cookies import Cookies
from supervisor.wires.rest.auth.sessions import OwnSession, shown
from supervisor.wires.rest.auth.visitors import visitor
from supervisor.wires.rest.resource import Endpoint, Id


class BroughtBack(BaseModel):
    """What a service has put in the URL of our page (RFC 6749 section 4.1.2, RFC 9207)."""

    state: Annotated[str, Length(0, 200)]
    code: Annotated[str, Length(0, 4096)] = Field("", repr=False)
    error: Annotated[str, Length(0, 200)] = ""
    iss: Annotated[str, Length(0, 2000)] = ""


@record
class Ways:
    """How people can sign in here. `links`: the channels that can carry a link, mail and sms."""

    passkey: bool
    links: Sequence[str]
    oidc: Sequence[Service]


@record
class SendTo:
    """Where the browser goes to sign in."""

    url: str


class OidcRoutes:
    """The routes of services.

    Args:
        base: returns where the daemon is reached, as scheme and host. A service sends the browser back there, whatever
            name the request has used.
    """

    def __init__(self, oidc: OidcSignIn, sign_in: SignIn, cookies: Cookies, base: Callable[[], str]) -> None:
        self._oidc = oidc
        self._sign_in = sign_in
        self._cookies = cookies
        self._base = base

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/api/auth/ways", self.ways),
            Endpoint("POST", "/api/auth/oidc/{name}", self.start),
            Endpoint("POST", "/api/auth/oidc/{name}/back", self.back),
        ]

    async def ways(self) -> Ways:
        """Return how people can sign in here."""
        return Ways(passkey=True, links=self._sign_in.link_channels, oidc=self._oidc.services)

    async def start(self, request: Request, response: Response, name: Id) -> SendTo:
        """Return where the browser goes to sign in at a service."""
        departure = await self._oidc.start(name, base=self._base())
        kept = self._cookies.keep_away(request.scope, departure.mark, MINUTES * 60)
        response.headers.append("Set-Cookie", kept)
        return SendTo(url=departure.url)

    async def back(self, request: Request, response: Response, name: Id, body: BroughtBack) -> OwnSession:
        """Sign in with what a service has sent back; it counts once, in the browser that went there."""
        back = Return(
            state=body.state, code=body.code, error=body.error, iss=body.iss, mark=self._cookies.away(request.scope)
        )
        signed_in = await self._oidc.finish(name, back, visitor(request, self._cookies), base=self._base())
        kept = self._cookies.keep_session(request.scope, signed_in.secret, self._sign_in.seconds)
        response.headers.append("Set-Cookie", self._cookies.keep_away(request.scope, "", 0))
        response.headers.append("Set-Cookie", kept)
        return shown(signed_in.session, current=True)
