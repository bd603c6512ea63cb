"""REST: add, list and remove passkeys, and sign in with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import BaseModel, Field

from supervisor.people.sign_in.freshness import strength
from supervisor.people.sign_in.passkeys import Passkeys
from supervisor.people.sign_in.sign_in import SignIn
from supervisor.people.sign_in.site import Site
from supervisor.protocol.limits import Length
from supervisor.protocol.times import rfc3339
from supervisor.protocol.values.record import record
from supervisor.store.ports.people.passkeys import Passkey
from supervisor.wires.http.auth import Calling
from supervisor.wires.http.cookies import Cookies
from supervisor.wires.rest.auth.sessions import OwnSession, person, shown
from supervisor.wires.rest.auth.visitors import visitor
from supervisor.wires.rest.resource import Endpoint, Id


class NewPasskey(BaseModel):
    """A passkey that the browser has made, as WebAuthn's JSON, and what its owner calls it."""

    name: Annotated[str, Length(1, 64)]
    credential: dict[str, Any] = Field(repr=False)


class Proof(BaseModel):
    """An assertion of a passkey, as WebAuthn's JSON."""

    credential: dict[str, Any] = Field(repr=False)


@record
class BrowserOptions:
    """What the browser's WebAuthn functions take."""

    options: Mapping[str, Any]


@record
class Checked:
    """A check that counts, for so many seconds."""

    seconds: int


@record
class OwnPasskey:
    """A passkey of the person. `counts_as`: passkey, or the way of the link with which it was added."""

    id: str
    name: str
    counts_as: str
    created_at: str
    last_used: str | None


@record
class OwnPasskeys:
    """The passkeys of the person, oldest first."""

    passkeys: Sequence[OwnPasskey]


class PasskeyRoutes:
    """The routes of passkeys."""

    def __init__(self, passkeys: Passkeys, sign_in: SignIn, cookies: Cookies) -> None:
        self._passkeys = passkeys
        self._sign_in = sign_in
        self._cookies = cookies

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("POST", "/api/auth/passkey/options", self.options_to_sign_in),
            Endpoint("POST", "/api/auth/passkey", self.sign_in),
            Endpoint("GET", "/api/auth/passkeys", self.passkeys),
            Endpoint("POST", "/api/auth/passkey/new", self.options_to_add),
            Endpoint("POST", "/api/auth/passkeys", self.add, 201),
            Endpoint("DELETE", "/api/auth/passkeys/{passkey_id}", self.remove, 204),
            Endpoint("POST", "/api/auth/check/options", self.options_to_check),
            Endpoint("POST", "/api/auth/check", self.check),
        ]

    async def options_to_sign_in(self, request: Request) -> BrowserOptions:
        """Return what the browser needs to sign in with a passkey that it knows."""
        return BrowserOptions(options=self._passkeys.to_prove(self._site(request)))

    async def sign_in(self, request: Request, response: Response, body: Proof) -> OwnSession:
        """Sign in with a passkey."""
        who = visitor(request, self._cookies)
        signed_in = await self._passkeys.sign_in(self._site(request), body.credential, who)
        kept = self._cookies.keep_session(request.scope, signed_in.secret, self._sign_in.seconds)
        response.headers.append("Set-Cookie", kept)
        return shown(signed_in.session, current=True)

    async def passkeys(self, caller: Calling) -> OwnPasskeys:
        """Return the passkeys of the person."""
        return OwnPasskeys(passkeys=[_shown(one) for one in await self._passkeys.of(person(caller))])

    async def options_to_add(self, request: Request, caller: Calling) -> BrowserOptions:
        """Return what the browser needs to make a passkey, for a person who has just shown one or signed in."""
        person(caller)
        return BrowserOptions(options=await self._passkeys.to_add(caller, self._site(request)))

    async def add(self, request: Request, caller: Calling, body: NewPasskey) -> OwnPasskey:
        """Add a passkey to the person who is signed in."""
        person(caller)
        who = visitor(request, self._cookies)
        return _shown(await self._passkeys.add(caller, self._site(request), body.name, body.credential, who))

    async def remove(self, request: Request, response: Response, caller: Calling, passkey_id: Id) -> None:
        """Remove a passkey of the person, who has just shown one; the sessions that it signed in end."""
        person(caller)
        if await self._passkeys.remove(caller, passkey_id, visitor(request, self._cookies)):
            response.headers.append("Set-Cookie", self._cookies.forget_session(request.scope))

    async def options_to_check(self, request: Request, caller: Calling) -> BrowserOptions:
        """Return what the browser needs to check that the person who is signed in still sits there."""
        person(caller)
        return BrowserOptions(options=await self._passkeys.to_check(caller, self._site(request)))

    async def check(self, request: Request, caller: Calling, body: Proof) -> Checked:
        """Show a passkey once more, for what needs a fresh check."""
        person(caller)
        who = visitor(request, self._cookies)
        seconds = await self._passkeys.check(caller, self._site(request), body.credential, who)
        return Checked(seconds=int(seconds))

    def _site(self, request: Request) -> Site:
        return Site(origin=self._cookies.own_origin(request.scope))


def _shown(passkey: Passkey) -> OwnPasskey:
    return OwnPasskey(
        id=passkey.id.hex(),
        name=passkey.name,
        counts_as=strength(passkey).value,
        created_at=rfc3339(passkey.created_ms),
        last_used=rfc3339(passkey.used_ms) if passkey.used_ms is not None else None,
    )
