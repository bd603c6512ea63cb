"""Signs people in who come back from another service. They must be users here; nobody becomes one by it.

A browser that goes to a service keeps a secret, the mark. The state that it brings back is bound to the mark and to the
service, counts once, and nothing is stored before: see `Challenges`. Nonce and PKCE verifier come from the state.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib
import logging
import secrets
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from supervisor.config.oidc import EMAIL, OidcConfig
from supervisor.people.addresses import mailbox
from supervisor.people.identity import Directory, digest
from supervisor.people.sign_in.backoff import Backoff
from supervisor.people.sign_in.challenges import Challenges
from supervisor.people.sign_in.oidc.port import BadToken, IdentityProvider, Round
from supervisor.people.sign_in.sign_in import SignedIn, SignIn
from supervisor.protocol.errors import InvalidMessage, NotAllowed, RateLimited, UserNotFound
from supervisor.protocol.values.record import record
from supervisor.runtime.credentials import Credentials
from supervisor.sentences.sign_in import (
    ADDRESS_NOT_VERIFIED,
    ASK_THE_OPERATOR,
    NOBODY_HERE,
    SERVICE_DOES_NOT_COUNT,
    SERVICE_REFUSED,
    START_AGAIN,
)
from supervisor.store.ports.people.sign_in import Visitor, Way
from supervisor.store.records.accounts import User

logger = logging.getLogger(__name__)

MINUTES = 10
"""How long a person may take at the service, in minutes."""

PATH = "/sign-in/oidc/"
"""Our page to which a service sends the browser back, before the name of the service."""

PROVIDER = "supervisor.people.sign_in.oidc.provider"
"""The module that imports the OpenID Connect library: 40 ms of the start, only where a table names a service."""

LONGEST_CLAIM = 320
"""The longest id or mail address of a user, in characters."""


@record
class Service:
    """A service where people may sign in, and what its button says."""

    name: str
    label: str


@record
class Departure:
    """Where a browser goes to sign in, and what it keeps meanwhile."""

    url: str
    mark: str = field(repr=False)


@record
class Return:
    """What a browser brings back from a service (RFC 6749 section 4.1.2).

    Attributes:
        error: why the service signs nobody in; empty = it does.
        iss: who answers (RFC 9207); empty = it does not say.
        mark: what the browser kept.
    """

    state: str
    code: str = field(default="", repr=False)
    error: str = ""
    iss: str = ""
    mark: str = field(default="", repr=False)


class OidcSignIn:
    """Sends browsers to services, and begins sessions of people who come back."""

    def __init__(
        self,
        providers: Mapping[str, IdentityProvider],
        directory: Directory,
        sign_in: SignIn,
        *,
        challenges: Challenges | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._providers = dict(providers)
        self._directory = directory
        self._sign_in = sign_in
        self._challenges = challenges or Challenges(seconds=MINUTES * 60)
        self._backoff = backoff or Backoff()  # its own: failures here must not lock links out
        self._key = secrets.token_bytes(32)

    @property
    def services(self) -> Sequence[Service]:
        """The services, in the order of config.toml."""
        return [Service(name=name, label=provider.label) for name, provider in self._providers.items()]

    async def start(self, name: str, *, base: str) -> Departure:
        """Return where a browser goes to sign in.

        Args:
            base: where the daemon is reached, as scheme and host.

        Raises:
            InvalidMessage: there is no such service.
            ServiceDown: it cannot be reached.
        """
        provider, mark = self._provider(name), secrets.token_urlsafe(32)
        state = self._challenges.make(_purpose(name, mark))
        return Departure(url=await provider.url(self._round(name, state, base)), mark=mark)

    async def finish(self, name: str, back: Return, visitor: Visitor, *, base: str) -> SignedIn:
        """Begin a session of a person who comes back from a service.

        Raises:
            InvalidMessage: there is no such service.
            RateLimited: this client has failed too often, or sign-ins as this user have.
            NotAllowed: the sign-in does not count, or nobody here is who the service says.
            ServiceDown: the service cannot be reached.
            StorageError: nobody is signed in.
        """
        provider = self._provider(name)
        self._check_backoff(visitor.source)
        state = _decoded(back.state)
        if not self._challenges.fits(state, _purpose(name, back.mark)) or not self._challenges.use(state):
            raise await self._refused(name, visitor, "state")
        if back.error or not back.code:
            await self._failed(name, visitor, f"refused {back.error}")
            raise NotAllowed(SERVICE_REFUSED(), START_AGAIN())
        if back.iss and back.iss != provider.issuer:
            raise await self._refused(name, visitor, "iss")
        try:
            claims = await provider.claims(back.code, self._round(name, state, base))
        except BadToken as error:
            raise await self._refused(name, visitor, str(error)) from None
        said = await self._said(name, provider.user_claim, claims, visitor)
        user = await self._user(name, provider.user_claim, said, claims, visitor)
        signed_in = await self._sign_in.begin(user.id, Way.OIDC, visitor)
        self._backoff.succeeded(visitor.source)
        self._backoff.succeeded(_named(name, said))
        return signed_in

    def _provider(self, name: str) -> IdentityProvider:
        try:
            return self._providers[name]
        except KeyError:
            raise InvalidMessage("service", "must be one of those that GET /api/auth/ways lists") from None

    def _round(self, name: str, state: bytes, base: str) -> Round:
        return Round(
            redirect_uri=f"{base}{PATH}{name}",
            state=_encoded(state),
            nonce=self._derived("nonce", state),
            verifier=self._derived("verifier", state),
        )

    def _derived(self, what: str, state: bytes) -> str:
        return _encoded(hmac.digest(self._key, what.encode() + state, hashlib.sha256))

    def _check_backoff(self, key: Hashable) -> None:
        wait = self._backoff.wait(key)
        if wait > 0.0:
            raise RateLimited(wait)

    async def _said(self, name: str, claim: str, claims: Mapping[str, Any], visitor: Visitor) -> str:
        """Return how a service names the person, who is perhaps nobody's user.

        Raises:
            NotAllowed: the service names nobody.
        """
        said = claims.get(claim)
        if not isinstance(said, str) or not 0 < len(said) <= LONGEST_CLAIM:
            await self._failed(name, visitor, f"no {claim}")
            raise NotAllowed(NOBODY_HERE(), ASK_THE_OPERATOR())
        return said

    async def _user(self, name: str, claim: str, said: str, claims: Mapping[str, Any], visitor: Visitor) -> User:
        """Return the user whom a service names.

        Raises:
            RateLimited: sign-ins as this user have failed too often.
            NotAllowed: the service has not verified the address, or nobody here is named so.
        """
        # The name counts before it is looked up: who waits does not learn whether it is a user.
        self._check_backoff(_named(name, said))
        if claim == EMAIL and claims.get("email_verified") is not True:
            self._backoff.failed(_named(name, said))
            await self._failed(name, visitor, "address not verified")
            raise NotAllowed(ADDRESS_NOT_VERIFIED(), ASK_THE_OPERATOR())
        user = self._by_mail(said) if claim == EMAIL else self._by_id(said)
        if user is None:
            self._backoff.failed(_named(name, said))
            await self._failed(name, visitor, "unknown user")
            raise NotAllowed(NOBODY_HERE(), ASK_THE_OPERATOR())
        return user

    def _by_mail(self, address: str) -> User | None:
        try:
            return self._directory.by_address(mailbox(address))
        except InvalidMessage:
            return None

    def _by_id(self, user_id: str) -> User | None:
        try:
            return self._directory.user(user_id)
        except UserNotFound:
            return None

    async def _failed(self, name: str, visitor: Visitor, why: str) -> None:
        """Leave an entry about a sign-in that failed; the words of a stranger are cut and made printable."""
        self._backoff.failed(visitor.source)
        told = "".join(c for c in f"oidc {name}: {why}" if c.isprintable())[:200].strip()
        logger.info("%s", told)
        await self._sign_in.failed(visitor, told)

    async def _refused(self, name: str, visitor: Visitor, why: str) -> NotAllowed:
        """Leave an entry about a sign-in that does not count; return the error for whoever came."""
        await self._failed(name, visitor, why)
        return NotAllowed(SERVICE_DOES_NOT_COUNT(), START_AGAIN())


def build(
    tables: Mapping[str, OidcConfig], credentials: Credentials, directory: Directory, sign_in: SignIn
) -> OidcSignIn:
    """Return the services of config.toml.

    Raises:
        ConfigError: a secret cannot be read.
    """
    if not tables:
        return OidcSignIn({}, directory, sign_in)
    provider = importlib.import_module(PROVIDER).Provider
    providers = {name: provider(name, table, _secret(name, table, credentials)) for name, table in tables.items()}
    return OidcSignIn(providers, directory, sign_in)


def _secret(name: str, table: OidcConfig, credentials: Credentials) -> str | None:
    variable = f"XSWARM_OIDC_{name.upper()}_SECRET"
    if table.client_secret_file is None:
        return credentials.common(variable)
    secret = credentials.from_file(f"auth.oidc.{name}.client_secret_file", Path(table.client_secret_file))
    credentials.note_common(variable, secret)
    return secret


def _named(name: str, said: str) -> Hashable:
    """Return the key under which the failures of a person count whom a service names, user or not."""
    return (name, said.casefold())


def _purpose(name: str, mark: str) -> str:
    return f"sign in at {name} {digest(mark).hex()}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """Return what base64url stands for; empty = it is none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""
