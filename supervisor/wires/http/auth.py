"""Authentication: the token or cookie of every request, checked before any other layer reads the request."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from supervisor.people.authentication import Authenticator
from supervisor.people.identity import OPERATOR_NAME, Caller
from supervisor.protocol.errors import NotAllowed, NotAuthenticated
from supervisor.store.ports.people.sign_in import Visitor
from supervisor.wires.http.cookies import Cookies

OPEN = frozenset({"/healthz", "/readyz"})
"""Paths that need no token."""

SIGN_IN = "/api/auth/"
"""Below it people sign in: a cookie that counts is read, but none is needed."""

MOST_AGENT = 200
"""Most characters that are kept of what a browser says about itself."""

documented = Depends(
    HTTPBearer(auto_error=False, description="A service's, a user's or the operator's token, or a JWT")
)
"""Documents in /openapi.json that a token is needed; `Bearer` checks it."""


class Bearer:
    """Refuses HTTP requests without a valid token or cookie; web sockets authenticate by themselves."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator, cookies: Cookies) -> None:
        self._app = app
        self._authenticator = authenticator
        self._cookies = cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN:
            if scope["path"].startswith(SIGN_IN):
                with suppress(NotAuthenticated):
                    caller = await self._authenticator.signed_in(self._cookies.secret(scope))
                    scope["state"]["caller"] = replace(caller, source=source(scope))
            else:
                scope["state"]["caller"] = replace(await self._caller(scope), source=source(scope))
        await self._app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller:
        headers = Headers(scope=scope)
        if "authorization" not in headers and (secret := self._cookies.secret(scope)):
            return await self._authenticator.signed_in(secret)
        token = _token(headers)
        try:
            return await self._authenticator.caller(token)
        except NotAuthenticated:
            await self._authenticator.refused("http", visitor_of(scope))
            raise


class AsOperator:
    """Takes every HTTP request as the operator's: for a process that holds the database."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = {**scope.get("state", {}), "caller": Caller(name=OPERATOR_NAME, operator=True)}
        await self._app({**scope, "state": state}, receive, send)


def source(scope: Scope) -> str:
    """Return the address that a request comes from; empty = not known."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def visitor_of(scope: Scope) -> Visitor:
    """Return from where a request or a web socket comes, and what its program says about itself."""
    said = Headers(scope=scope).get("user-agent", "")
    return Visitor(source=source(scope), agent="".join(c for c in said if c.isprintable())[:MOST_AGENT])


def _token(headers: Headers) -> str:
    """Return the one bearer token of a request.

    Raises:
        NotAuthenticated: there is no token, or more than one.
    """
    given = headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthenticated
    return token.strip()


async def _caller(request: Request) -> Caller:
    caller = getattr(request.state, "caller", None)
    if not isinstance(caller, Caller):  # below `SIGN_IN` a request may come without
        raise NotAuthenticated
    return caller


Calling = Annotated[Caller, Depends(_caller)]
"""A parameter of a route: the authenticated caller."""


async def _operator_only(caller: Calling) -> None:
    if not caller.operator:
        raise NotAllowed("the admin API", "it takes the operator's token only: state.dir/operator.token")


operator_only = Depends(_operator_only)
"""A dependency of a router: refuses every caller but the operator."""
