"""REST: ask for a link, and sign in with it. Only a POST redeems one: scanners of mails follow links with GET."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from fastapi import BackgroundTasks, Request, Response
from pydantic import BaseModel, Field

from supervisor.people.addresses import mailbox, phone
from supervisor.people.identity import digest
from supervisor.people.sign_in.sign_in import LINK_MINUTES, SignIn
from supervisor.protocol.errors import InvalidMessage
from supervisor.protocol.limits import Length
from supervisor.protocol.messages import Address
from supervisor.protocol.values.record import record
from supervisor.sentences.sign_in import ON_ITS_WAY
from supervisor.store.ports.people.sign_in import Visitor
from supervisor.wires.http.cookies import Cookies
from supervisor.wires.rest.auth.sessions import OwnSession, shown
from supervisor.wires.rest.auth.visitors import visitor
from supervisor.wires.rest.resource import Endpoint


class Asked(BaseModel):
    """The mail address or phone number of a person who wants to sign in."""

    address: Annotated[str, Length(3, 320)]


class Redeemed(BaseModel):
    """The secret of a link: what stands behind `#`."""

    secret: Annotated[str, Length(1, 200)] = Field(repr=False)


@record
class OnItsWay:
    """What is shown to whoever asks for a link, whether it is sent or not."""

    message: str


class LinkRoutes:
    """The routes of links.

    Args:
        base: returns where the daemon is reached, as scheme and host.
    """

    def __init__(self, sign_in: SignIn, cookies: Cookies, base: Callable[[], str]) -> None:
        self._sign_in = sign_in
        self._cookies = cookies
        self._base = base

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("POST", "/api/auth/link", self.ask, 202),
            Endpoint("POST", "/api/auth/redeem", self.redeem),
        ]

    async def ask(self, request: Request, response: Response, later: BackgroundTasks, body: Asked) -> OnItsWay:
        """Send a link to the mail address or phone number of a user; the answer is the same for a stranger's."""
        address = _address(body.address.strip())
        mark = secrets.token_urlsafe(32)
        asking = replace(visitor(request, self._cookies), browser=digest(mark))
        self._sign_in.ask(address, asking)
        later.add_task(self._send, address, asking)  # when the answer is written
        response.headers.append("Set-Cookie", self._cookies.keep_asked(request.scope, mark, LINK_MINUTES * 60))
        return OnItsWay(message=ON_ITS_WAY(minutes=LINK_MINUTES))

    async def _send(self, address: Address, asking: Visitor) -> None:
        self._sign_in.send(address, asking, base=self._base())

    async def redeem(self, request: Request, response: Response, body: Redeemed) -> OwnSession:
        """Sign in with a link that a person has opened; it counts once, in the browser where they asked for it."""
        signed_in = await self._sign_in.redeem(body.secret, visitor(request, self._cookies))
        response.headers.append(
            "Set-Cookie", self._cookies.keep_session(request.scope, signed_in.secret, self._sign_in.seconds)
        )
        return shown(signed_in.session, current=True)


def _address(text: str) -> Address:
    """Return an address as a person types it.

    Raises:
        InvalidMessage: it is neither a mail address nor a phone number.
    """
    try:
        return mailbox(text) if "@" in text else phone(text)
    except InvalidMessage as error:
        raise InvalidMessage("address", error.must) from None
