"""Signs people in: links by mail, by text and from the operator's terminal, and the sessions that begin with them."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection, Hashable, Iterable

from supervisor.config import Auth
from supervisor.people.identity import Caller, Directory, digest
from supervisor.people.rate_limits import HOUR, MovingWindow
from supervisor.people.sign_in.backoff import Backoff
from supervisor.people.sign_in.errors import SignInNotFound
from supervisor.people.sign_in.freshness import Freshness, strength
from supervisor.people.sign_in.sessions import Sessions
from supervisor.protocol.errors import NotAllowed, NotAuthenticated, RateLimited, StorageError, UserNotFound
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Address, OutboxId, Reply, UserId
from supervisor.protocol.times import Clock, now_ms
from supervisor.protocol.values.record import record
from supervisor.runtime.tasks import TaskSet
from supervisor.sentences.sign_in import ASK_FOR_ANOTHER, LINK, LINK_DOES_NOT_COUNT, SUBJECT, WRONG_BROWSER
from supervisor.store.ports.people.accounts import THE_OPERATOR
from supervisor.store.ports.people.passkeys import Passkey
from supervisor.store.ports.people.sign_in import (
    LinkProblem,
    NewSession,
    SignInLink,
    SignInSession,
    SignInStore,
    Visitor,
    Way,
)
from supervisor.store.records.accounts import Actor, User
from supervisor.store.records.outbox import OutboxDraft

logger = logging.getLogger(__name__)

LINK_MINUTES = 10
"""How long a link counts, in minutes."""

LINKS_PER_HOUR = 10
"""Most links that are asked for one address, and 10 times as many by one client, per hour."""

TRACES = 500
"""Failures per hour that leave an entry in the audit trail, and wrong tokens too: strangers must not fill the disk."""

PATH = "/sign-in"
"""The page that a link opens; the secret stands behind `#`, so that no server and no log sees it in the URL."""


@record
class SignedIn:
    """A session that has just begun. `secret` is what the browser keeps; it is stored nowhere."""

    session: SignInSession
    secret: str


class SignIn:
    """Makes links, begins and ends sessions, and knows who is signed in.

    Args:
        channels: returns the names of the channels that can carry a link now.
        clock: milliseconds UTC.

    Attributes:
        freshness: who signed in or showed a passkey within the last minutes.
    """

    def __init__(
        self,
        store: SignInStore,
        directory: Directory,
        settings: Auth,
        channels: Callable[[], Collection[str]],
        *,
        clock: Clock = now_ms,
        backoff: Backoff | None = None,
        freshness: Freshness | None = None,
    ) -> None:
        self.freshness = freshness or Freshness()
        self._store = store
        self._directory = directory
        self._settings = settings
        self._channels = channels
        self._clock = clock
        self._sessions = Sessions(int(settings.session_idle_hours * HOUR * 1000))
        self._backoff = backoff or Backoff()
        self._asked = MovingWindow(LINKS_PER_HOUR, HOUR)
        self._asking = MovingWindow(LINKS_PER_HOUR * 10, HOUR)
        self._traces = MovingWindow(TRACES, HOUR)
        self._tasks = TaskSet()
        directory.trust_sign_ins(self.is_live, self._sign_out)

    async def load(self) -> None:
        """Read the sessions from the store.

        Raises:
            StorageError: they could not be read.
        """
        self._sessions.replace(await self._store.sessions())

    async def aclose(self, seconds: float = 5.0) -> None:
        """Give links that are being made some seconds."""
        await self._tasks.aclose(seconds)

    @property
    def seconds(self) -> int:
        """How long a session lasts at most, in seconds."""
        return int(self._settings.session_hours * HOUR)

    # -- links

    @property
    def link_channels(self) -> list[str]:
        """The channels that can carry a link now."""
        return sorted(set(self._channels()) & {Way.MAIL, Way.SMS})

    def ask(self, address: Address, visitor: Visitor) -> None:
        """Count that a link is asked for; it looks nobody up, so what the caller is told is the same for a stranger.

        Raises:
            RateLimited: too many links were asked for.
        """
        wait = max(self._asked.wait(address), self._asking.wait(visitor.source), self._backoff.wait(visitor.source))
        if wait > 0.0:
            raise RateLimited(wait)
        self._asked.count(address)
        self._asking.count(visitor.source)

    def send(self, address: Address, visitor: Visitor, *, base: str) -> None:
        """Send a link to whoever has an address, in a task of its own.

        It comes after the answer to who has asked: from the time of that answer nobody learns whose address it is.

        Args:
            base: where the daemon is reached, as scheme and host.
        """
        self._tasks.spawn(self._send(address, visitor, base), "send a link")

    async def make_link(self, user_id: str, *, base: str, by: Actor = THE_OPERATOR) -> tuple[str, int]:
        """Return a link for the operator's terminal, and when it expires, in milliseconds UTC.

        Raises:
            UserNotFound: there is no such user.
            StorageError: it could not be stored.
        """
        user, now, secret = self._directory.user(user_id), self._clock(), _new_secret()
        expires_ms = now + LINK_MINUTES * 60_000
        link = SignInLink(sha256=digest(secret), user_id=user.id, way=Way.TERMINAL, expires_ms=expires_ms)
        await self._store.add_link(link, None, Visitor(), by=by, now_ms=now)
        return _url(base, secret), expires_ms

    def newcomer(self) -> User | None:
        """Return for whom the start of the daemon shows a link, since nobody is signed in; None = it shows none."""
        if self._sessions.all():
            return None
        users = self._directory.users()
        return next((user for user in users if user.role.oversees and user.role.may_prompt), None) or next(
            iter(users), None
        )

    async def redeem(self, secret: str, visitor: Visitor) -> SignedIn:
        """Begin a session with the secret of a link.

        Raises:
            RateLimited: this client has failed too often, or links of this user have.
            NotAllowed: the link does not count.
            StorageError: nothing has changed.
        """
        self._check_backoff(visitor.source)
        owner = await self._store.link_owner(digest(secret))
        if owner is not None:
            self._check_backoff(_of(owner))
        now = self._clock()
        fresh, new = self._new_session(now)
        outcome = await self._store.redeem(digest(secret), visitor, new, now_ms=now)
        if isinstance(outcome, LinkProblem):
            self._backoff.failed(visitor.source)
            if owner is not None:
                self._backoff.failed(_of(owner))
            logger.info("a link does not count: %s", outcome.value)
            remedy = WRONG_BROWSER() if outcome is LinkProblem.OTHER_BROWSER else ASK_FOR_ANOTHER()
            raise NotAllowed(LINK_DOES_NOT_COUNT(), remedy)
        return self._begun(outcome, fresh, new, visitor)

    # -- sessions

    async def begin(self, user_id: UserId, way: Way, visitor: Visitor, *, passkey: bytes | None = None) -> SignedIn:
        """Begin a session of a person who proved who they are.

        Args:
            passkey: the id of the passkey that proved it; None = it was another way.

        Raises:
            UserNotFound: there is no such user.
            StorageError: nothing has changed.
        """
        now = self._clock()
        fresh, new = self._new_session(now)
        session = await self._store.begin(new, user_id, way, visitor, passkey=passkey, now_ms=now)
        if session is None:
            raise UserNotFound(user_id)
        return self._begun(session, fresh, new, visitor)

    async def caller(self, secret: str) -> Caller:
        """Return who is signed in with a secret.

        Raises:
            NotAuthenticated: nobody is, or not any more.
            StorageError: the end of a session could not be stored, or nobody can be checked now.
        """
        self._directory.check_current()
        session, now = self._sessions.find(digest(secret)), self._clock()
        if session is None:
            raise NotAuthenticated
        why = self._sessions.lapsed(session, now)
        if why is not None:
            await self._end(session, by=session.user_id, why=why.value)
            raise NotAuthenticated
        try:
            user = self._directory.user(session.user_id)
        except UserNotFound:
            raise NotAuthenticated from None
        if self._sessions.used(session, now):
            await self._store.used(session.id, now_ms=now)
        return Caller(
            name=user.id, user_id=user.id, expires_ms=session.expires_ms, session_id=session.id, way=session.way.value
        )

    def is_live(self, session_id: str) -> bool:
        """Return whether a session goes on. An open chat asks every few seconds, which counts as use."""
        session, now = self._sessions.get(session_id), self._clock()
        if session is None or self._sessions.lapsed(session, now) is not None:
            return False
        self._sessions.used(session, now)
        return True

    def session(self, session_id: str) -> SignInSession:
        """Return a session by its id.

        Raises:
            NotAuthenticated: it has ended.
        """
        session = self._sessions.get(session_id)
        if session is None:
            raise NotAuthenticated
        return session

    def of(self, user_id: UserId) -> list[SignInSession]:
        """Return the sessions of a user that go on, oldest first."""
        now = self._clock()
        return [session for session in self._sessions.of(user_id) if self._sessions.lapsed(session, now) is None]

    async def end(self, user_id: UserId, session_id: str, *, why: str) -> None:
        """End a session of a user.

        Raises:
            SignInNotFound: the user has no such session.
            StorageError: it goes on.
        """
        session = self._sessions.get(session_id)
        if session is None or session.user_id != user_id:
            raise SignInNotFound(session_id)
        await self._end(session, by=user_id, why=why)

    async def checked(self, session: SignInSession, passkey: Passkey, visitor: Visitor) -> None:
        """Note that the person of a session showed a passkey.

        Raises:
            StorageError: it counts as not shown.
        """
        await self._store.checked(session, passkey.id, strength(passkey), visitor, now_ms=self._clock())
        if self._sessions.get(session.id) is not None:
            self.freshness.checked(session.id, passkey)

    def ended(self, session_ids: Iterable[str]) -> None:
        """Forget sessions that have ended in the store."""
        for session_id in session_ids:
            self._sessions.remove(session_id)
            self.freshness.forget(session_id)

    async def failed(self, visitor: Visitor, why: str, *, actor: str = "") -> None:
        """Leave an entry about a sign-in that failed, unless there are too many of them.

        Raises:
            StorageError: it could not be stored.
        """
        if self._traces.take("failures"):
            await self._store.failed(visitor, why, actor=actor, now_ms=self._clock())

    async def token_refused(self, wire: str, visitor: Visitor) -> None:
        """Leave an entry about a token that does not count, unless there are too many of them.

        Whoever came with it is refused in any case, so an entry that cannot be stored is logged.
        """
        if not self._traces.take("tokens"):
            return
        try:
            await self._store.failed(visitor, f"token: {wire}", now_ms=self._clock())
        except StorageError as error:
            logger.error("a wrong token by %s could not be noted: %s", wire, error)

    def _sign_out(self, user_id: UserId) -> None:
        self.ended([session.id for session in self._sessions.of(user_id)])

    def _check_backoff(self, key: Hashable) -> None:
        wait = self._backoff.wait(key)
        if wait > 0.0:
            raise RateLimited(wait)

    def _new_session(self, now: int) -> tuple[str, NewSession]:
        secret = _new_secret()
        return secret, NewSession(sha256=digest(secret), id=uuid7(), expires_ms=now + self.seconds * 1000)

    def _begun(self, session: SignInSession, secret: str, new: NewSession, visitor: Visitor) -> SignedIn:
        self._sessions.add(new.sha256, session)
        self.freshness.signed_in(session)
        self._backoff.succeeded(visitor.source)
        self._backoff.succeeded(_of(session.user_id))
        logger.info("%s: signed in by %s, session %s", session.user_id, session.way.value, session.id)
        return SignedIn(session=session, secret=secret)

    async def _end(self, session: SignInSession, *, by: str, why: str) -> None:
        await self._store.end(session.id, by=by, why=why, now_ms=self._clock())
        self.ended([session.id])

    async def _send(self, address: Address, visitor: Visitor, base: str) -> None:
        user = self._directory.by_address(address)
        if user is None or address.kind not in self._channels():
            await self.failed(visitor, "unknown_address" if user is None else "no_channel")
            return
        # Here and not in `ask`: a stranger who had to wait would know that somebody has the address.
        if self._backoff.wait(_of(user.id)) > 0.0:
            await self.failed(visitor, "too_many_failures", actor=user.id)
            return
        secret, now = _new_secret(), self._clock()
        link = SignInLink(
            sha256=digest(secret),
            user_id=user.id,
            way=Way(address.kind),
            address=address,
            browser=visitor.browser,
            expires_ms=now + LINK_MINUTES * 60_000,
        )
        draft = OutboxDraft(
            id=OutboxId(uuid7()),
            reply=Reply(channel=address.kind, to=address, meta={"subject": SUBJECT()}),
            text=LINK(minutes=LINK_MINUTES, link=_url(base, secret)),
        )
        await self._store.add_link(link, draft, visitor, now_ms=now)


def _of(user_id: UserId) -> Hashable:
    """Return the key under which the failures of a user count, from whatever address they come."""
    return ("user", user_id)


def _new_secret() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def _url(base: str, secret: str) -> str:
    return f"{base}{PATH}#{secret}"
