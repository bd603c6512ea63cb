"""Who a token belongs to: one that we issued, or one of a foreign issuer."""

from __future__ import annotations

from supervisor.people.identity import Caller, Directory
from supervisor.people.issuers import ForeignToken, Issuers
from supervisor.people.sign_in.sign_in import SignIn
from supervisor.protocol.errors import NotAuthenticated, UserNotFound
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.people.sign_in import Visitor

CLOCKS_DIFFER_SECONDS = 60.0
"""How far ahead the clock of an issuer may be, in seconds."""


class Authenticator:
    """Authenticates the callers of HTTP. Foreign tokens name one of our users, and give no other right.

    Args:
        issuers: who else may issue tokens; None = nobody.
        sign_in: knows who is signed in with a browser; None = nobody is.
        clock: milliseconds UTC.
    """

    def __init__(
        self,
        directory: Directory,
        issuers: Issuers | None = None,
        *,
        sign_in: SignIn | None = None,
        clock: Clock = now_ms,
    ) -> None:
        self._directory = directory
        self._sign_in = sign_in
        self._clock = clock
        self._issuers = issuers or Issuers()

    async def caller(self, token: str) -> Caller:
        """Return the holder of a token or JWT.

        Raises:
            NotAuthenticated: it is unknown, revoked or expired, or its user does not exist.
        """
        try:
            return self._directory.caller(token)
        except NotAuthenticated:
            return self._caller(await self._issuers.read(token))

    async def signed_in(self, secret: str) -> Caller:
        """Return who is signed in with the secret of a cookie.

        Raises:
            NotAuthenticated: nobody is, or not any more.
        """
        if self._sign_in is None or not secret:
            raise NotAuthenticated
        return await self._sign_in.caller(secret)

    async def query_caller(self, token: str, *, longest_seconds: float) -> Caller:
        """Return the holder of a JWT in a URL. Others may see it there, so its whole lifetime must be short.

        Args:
            longest_seconds: the longest lifetime, from its issue to its expiry.

        Raises:
            NotAuthenticated: as `caller`, or its lifetime is longer or not known.
        """
        try:
            return self._directory.query_caller(token, longest_seconds=longest_seconds)
        except NotAuthenticated:
            found = await self._issuers.read(token)
        # A time of issue in the future would make a long life look short.
        latest = self._clock() / 1000 + CLOCKS_DIFFER_SECONDS
        if found.issued is None or found.issued > latest or found.expires - found.issued > longest_seconds:
            raise NotAuthenticated
        return self._caller(found)

    async def refused(self, wire: str, visitor: Visitor) -> None:
        """Leave an entry in the audit trail about a token that does not count."""
        if self._sign_in is not None:
            await self._sign_in.token_refused(wire, visitor)

    async def load(self) -> None:
        """Read the keys of the issuers ahead of the first token."""
        await self._issuers.load()

    def _caller(self, found: ForeignToken) -> Caller:
        try:
            user = self._directory.user(found.user)
        except UserNotFound:
            raise NotAuthenticated from None
        return Caller(name=user.id, user_id=user.id, expires_ms=int(found.expires * 1000))
