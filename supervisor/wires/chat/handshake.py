"""Who opens a chat: where the token stands, and the close codes that refuse a person (docs/chat.md)."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.websockets import WebSocket

from supervisor.people.authentication import Authenticator
from supervisor.people.identity import Caller, Directory
from supervisor.protocol.errors import NotAllowed, NotAuthenticated, UserNotFound
from supervisor.protocol.times import now_ms
from supervisor.store.records.accounts import User
from supervisor.wires.http.cookies import Cookies

SUBPROTOCOL = "bearer"
"""The subprotocol behind which a browser names its token."""

ADMINS_ONLY = "Admin access required"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a connection is closed. Clients retry every code but 1000, 4001 and 4003."""

    code: int
    reason: str


INVALID = Refusal(4001, "Invalid token")
NOT_ALLOWED = Refusal(4003, ADMINS_ONLY)
EXPIRED = Refusal(1008, "Token expired")
"""Of a connection that is open: with a new token the client may go on, so it must not give up."""


@dataclass(frozen=True, slots=True)
class Presented:
    """The token of a handshake.

    Attributes:
        token: empty = there is none, or none that is well formed.
        in_url: others may have seen it.
        in_cookie: it is the secret of a person who signed in.
        subprotocol: what the server must choose, so that the browser accepts the connection; None = nothing.
    """

    token: str
    in_url: bool = False
    in_cookie: bool = False
    subprotocol: str | None = None

    @property
    def is_token(self) -> bool:
        """Whether there is a token, which is no cookie."""
        return bool(self.token) and not self.in_cookie


def presented(socket: WebSocket, cookies: Cookies | None = None) -> Presented:
    """Return the token of a handshake: of the header, else of the subprotocol, else of the URL, else the cookie.

    Args:
        cookies: None = no cookie counts.
    """
    offered = [name.strip() for name in socket.scope.get("subprotocols", [])]
    subprotocol = SUBPROTOCOL if SUBPROTOCOL in offered else None
    headers = socket.headers.getlist("authorization")
    if headers:
        scheme, _, token = headers[0].partition(" ")
        valid = len(headers) == 1 and scheme.lower() == "bearer"
        return Presented(token.strip() if valid else "", subprotocol=subprotocol)
    if subprotocol is not None:
        behind = offered[offered.index(SUBPROTOCOL) + 1 :]
        return Presented(behind[0] if behind else "", subprotocol=subprotocol)
    token = socket.query_params.get("token", "")
    if not token and cookies is not None and (secret := cookies.secret(socket.scope)):
        return Presented(secret, in_cookie=True)
    return Presented(token, in_url=True)


async def identify(given: Presented, authenticator: Authenticator, *, query_token_seconds: float) -> Caller:
    """Return the holder of a token.

    Args:
        query_token_seconds: longest lifetime of a token in the URL, in seconds.

    Raises:
        NotAuthenticated: it is not valid, or lives too long for a URL.
    """
    if not given.token:
        raise NotAuthenticated
    if given.in_cookie:
        return await authenticator.signed_in(given.token)
    if given.in_url:
        return await authenticator.query_caller(given.token, longest_seconds=query_token_seconds)
    return await authenticator.caller(given.token)


def standing(caller: Caller, directory: Directory) -> Refusal | None:
    """Return why a person may not chat now; None = they may. It changes while a connection is open."""
    if caller.expires_ms is not None and caller.expires_ms <= now_ms():
        return EXPIRED
    if not directory.still_valid(caller):
        return INVALID
    try:
        person(caller, directory)
    except NotAllowed:
        return NOT_ALLOWED
    return None


def person(caller: Caller, directory: Directory) -> User:
    """Return the user who chats.

    Raises:
        NotAllowed: the token belongs to no person, or their role may not chat.
    """
    try:
        user = directory.user(caller.user_id or "")
    except UserNotFound:
        raise NotAllowed(ADMINS_ONLY) from None
    if not user.role.may_prompt:
        raise NotAllowed(ADMINS_ONLY)
    return user
