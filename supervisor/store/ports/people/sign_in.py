"""The `SignInStore` port: one-time links, and the sessions of people who signed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from enum import StrEnum
from typing import Protocol

from supervisor.protocol.messages import Address, UserId
from supervisor.protocol.values.record import record
from supervisor.store.ports.people.accounts import THE_OPERATOR
from supervisor.store.records.accounts import Actor
from supervisor.store.records.outbox import OutboxDraft


class Way(StrEnum):
    """How a person proved who they are."""

    MAIL = "mail"
    """A link that was sent by mail."""
    SMS = "sms"
    """A link that was sent as a text."""
    TERMINAL = "terminal"
    """A link that the operator's terminal printed."""
    PASSKEY = "passkey"
    """A passkey."""
    OIDC = "oidc"
    """Another service signed them in (OpenID Connect)."""
    TOKEN = "token"  # noqa: S105  # the name of a way, no secret
    """A token: no session has this way."""


class LinkProblem(StrEnum):
    """Why a link does not count."""

    UNKNOWN = "unknown"
    USED = "used"
    EXPIRED = "expired"
    OTHER_BROWSER = "other_browser"
    """Another browser asked for it. The link still counts there."""
    NO_ADDRESS = "no_address"
    """The user does not have the address any more to which it was sent."""


@record
class SignInLink:
    """A link that signs a person in, once.

    Attributes:
        sha256: of its secret.
        address: where it is sent; None = nowhere, a terminal shows it.
        browser: SHA-256 of what the asking browser keeps; None = any browser may use it.
        expires_ms: in milliseconds UTC.
    """

    sha256: bytes = field(repr=False)
    user_id: UserId
    way: Way
    address: Address | None = None
    browser: bytes | None = field(default=None, repr=False)
    expires_ms: int


@record
class SignInSession:
    """A person who is signed in with one browser.

    Attributes:
        source: the IP address that signed in; empty = not known.
        agent: the browser, as it says itself.
        used_ms: when the session was used last, as far as it is stored.
        expires_ms: when it ends at the latest, in milliseconds UTC.
        passkey: the id of the passkey that signed in; None = it was another way.
    """

    id: str
    user_id: UserId
    way: Way
    source: str
    agent: str
    created_ms: int
    used_ms: int
    expires_ms: int
    passkey: bytes | None = None


@record
class Visitor:
    """Who comes, before it is known who that is.

    Attributes:
        source: the IP address; empty = not known.
        agent: the browser, as it says itself.
        browser: SHA-256 of what the browser kept when it asked for a link; None = it asked for none.
    """

    source: str = ""
    agent: str = ""
    browser: bytes | None = field(default=None, repr=False)


@record
class NewSession:
    """A session that is about to begin: the SHA-256 of its secret, its id, and when it ends at the latest."""

    sha256: bytes = field(repr=False)
    id: str
    expires_ms: int


class SignInStore(Protocol):
    """Links and sessions. Each change leaves its entry in the audit trail, in the same transaction."""

    async def sessions(self) -> Sequence[tuple[bytes, SignInSession]]:
        """Return all sessions with the SHA-256 of their secrets, oldest first."""

    async def add_link(
        self,
        link: SignInLink,
        draft: OutboxDraft | None,
        visitor: Visitor,
        *,
        by: Actor = THE_OPERATOR,
        now_ms: int,
    ) -> None:
        """Store a link, and the reply that carries it.

        Args:
            draft: None = whoever makes it hands it over.
            by: who makes it, where nothing carries it.
        """

    async def link_owner(self, sha256: bytes) -> UserId | None:
        """Return whose link it is, also where it does not count any more; None = nobody's."""

    async def redeem(
        self, sha256: bytes, visitor: Visitor, session: NewSession, *, now_ms: int
    ) -> SignInSession | LinkProblem:
        """Begin a session with a link, which is used up by it. A link that does not count is not used up."""

    async def begin(
        self,
        session: NewSession,
        user_id: UserId,
        way: Way,
        visitor: Visitor,
        *,
        passkey: bytes | None = None,
        now_ms: int,
    ) -> SignInSession | None:
        """Begin a session of a person who proved who they are; None = there is no such user.

        Args:
            passkey: the id of the passkey that proved it; None = it was another way.
        """

    async def checked(self, session: SignInSession, passkey: bytes, way: Way, visitor: Visitor, *, now_ms: int) -> None:
        """Note that the person of a session showed a passkey, which counts as a way."""

    async def used(self, session_id: str, *, now_ms: int) -> None:
        """Note that a session was used."""

    async def end(self, session_id: str, *, by: str, why: str, now_ms: int) -> bool:
        """End a session; False = there is none."""

    async def failed(self, visitor: Visitor, why: str, *, actor: str = "", now_ms: int) -> None:
        """Leave an entry about a sign-in that failed.

        Args:
            actor: the user, where it is known whose sign-in it was.
        """
