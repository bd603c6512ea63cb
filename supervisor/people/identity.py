"""Identity: which user or service an address, a token or a JWT belongs to."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable

import jwt

from supervisor.protocol.errors import NotAuthenticated, StorageError, UserNotFound
from supervisor.protocol.messages import Address, UserId
from supervisor.protocol.status import Role
from supervisor.protocol.times import Clock, now_ms
from supervisor.protocol.values.record import record
from supervisor.store.records.accounts import Actor, Token, User

JWT_ALGORITHM = "HS256"
JWT_AUDIENCE = "xswarm"

OPERATOR_NAME = "operator"
"""The name of the caller that holds the operator's token."""


@record
class Caller:
    """The holder of a token or JWT.

    Attributes:
        name: the service's name, the user's id, or "operator".
        user_id: the only user that the caller may act for; None = a service, which may act for every user.
        operator: whether the caller may manage users and tokens.
        expires_ms: when the credential expires, in milliseconds UTC; None = never.
        token_id: the id of the stored token; None for the operator's token, the service token and JWTs.
        session_id: the session of a person who signed in with a browser; empty = it is none.
        way: how that person signed in, see `Way`; empty = by a token.
        source: the address that the request came from; empty = not known.
    """

    name: str
    user_id: UserId | None = None
    operator: bool = False
    expires_ms: int | None = None
    token_id: int | None = None
    session_id: str = ""
    way: str = ""
    source: str = ""

    def actor(self, channel: str) -> Actor:
        """Return who the audit trail names for what this caller does by a wire."""
        return Actor(name=self.name, channel=channel, source=self.source)

    @property
    def proof(self) -> str:
        """How the caller proved who they are: a `Way`."""
        return self.way or "token"

    @property
    def account(self) -> str:
        """A name of the credential that never changes, also over restarts: the scope of its `external_id`s."""
        if self.token_id is not None:
            return f"token:{self.token_id}"
        # The prefixes are needed because a user may have the name of the operator or of a service.
        return f"user:{self.user_id}" if self.user_id is not None else f"caller:{self.name}"

    def may_act_for(self, user_id: UserId) -> bool:
        """Return whether the caller may act for a user."""
        return self.user_id is None or self.user_id == user_id


def digest(token: str) -> bytes:
    """Return the SHA-256 under which a token is stored."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def new_token() -> str:
    """Return a new random token of 256 bits."""
    return "xsw_" + secrets.token_urlsafe(32)


class Directory:
    """The current users and tokens, in memory. Each change of the store replaces all of them.

    Args:
        operator_token: may do everything; it has no default.
        service_token: SUPERVISOR_TOKEN of the environment, one more service token; None = there is none.
        jwt_secret: the key that signs JWTs, at least 32 bytes.
        clock: milliseconds UTC.
    """

    def __init__(
        self, *, operator_token: str, service_token: str | None, jwt_secret: bytes, clock: Clock = now_ms
    ) -> None:
        self._operator = digest(operator_token)
        self._service = digest(service_token) if service_token else None
        self._jwt_secret = jwt_secret
        self._clock = clock
        self._users: dict[UserId, User] = {}
        self._by_address: dict[Address, UserId] = {}
        self._tokens: dict[bytes, Token] = {}
        self._is_current: Callable[[], bool] = lambda: True
        self._is_signed_in: Callable[[str], bool] = lambda _: False
        self._sign_out: Callable[[UserId], None] = lambda _: None

    def trust_sign_ins(self, is_live: Callable[[str], bool], sign_out: Callable[[UserId], None]) -> None:
        """Ask a function whether a session of a person who signed in goes on; until then none does.

        Args:
            sign_out: is called for each user who is removed: whoever gets the same id later has not signed in.
        """
        self._is_signed_in = is_live
        self._sign_out = sign_out

    def trust_while(self, is_current: Callable[[], bool]) -> None:
        """Ask a function whether users and tokens are known as they are now, on every node; until then they are."""
        self._is_current = is_current

    def check_current(self) -> None:
        """Check that users and tokens are known as they are now.

        Raises:
            StorageError: another node may have revoked one since they were read.
        """
        if not self._is_current():
            raise StorageError("who holds a token cannot be checked while the database does not answer")

    def replace(self, users: Iterable[User], tokens: Iterable[tuple[bytes, Token]]) -> None:
        """Replace all users and tokens.

        Args:
            tokens: with the SHA-256 of each.
        """
        before, self._users = self._users, {user.id: user for user in users}
        for removed in before.keys() - self._users.keys():
            self._sign_out(removed)
        self._by_address = {address: user.id for user in self._users.values() for address in user.addresses}
        self._tokens = dict(tokens)

    def users(self) -> list[User]:
        """Return all users, sorted by id."""
        return sorted(self._users.values(), key=lambda user: user.id)

    def user(self, user_id: str) -> User:
        """Return a user.

        Raises:
            UserNotFound: there is no such user.
        """
        try:
            return self._users[UserId(user_id)]
        except KeyError:
            raise UserNotFound(user_id) from None

    def oversees(self, caller: Caller) -> bool:
        """Return whether a caller may read records and costs of all users: a service, an administrator, an operator."""
        if caller.user_id is None:
            return True
        user = self._users.get(caller.user_id)
        return user is not None and user.role.oversees

    def administers(self, caller: Caller) -> bool:
        """Return whether a caller may read what was done by everybody: an administrator, an operator; no service."""
        user = self._users.get(caller.user_id) if caller.user_id is not None else None
        return caller.operator or (user is not None and user.role is Role.ADMIN)

    def by_address(self, address: Address) -> User | None:
        """Return the user who has an address; None = nobody has. Kind and value must be equal."""
        user_id = self._by_address.get(address)
        return self._users.get(user_id) if user_id is not None else None

    def caller(self, token: str) -> Caller:
        """Return the holder of a token or JWT.

        Raises:
            NotAuthenticated: it is unknown, revoked or expired, or its user was removed.
            StorageError: that cannot be checked now; the operator's token is always known.
        """
        given = digest(token)
        if hmac.compare_digest(given, self._operator):
            return Caller(name=OPERATOR_NAME, operator=True)
        self.check_current()
        if self._service is not None and hmac.compare_digest(given, self._service):
            return Caller(name="service")
        record = self._tokens.get(given)  # the lookup is by hash, so its timing reveals nothing about the token
        if record is not None:
            return self._from_record(record)
        if token.count(".") == 2:
            return self._from_jwt(token)
        raise NotAuthenticated

    def query_caller(self, token: str, *, longest_seconds: float) -> Caller:
        """Return the holder of a JWT in a URL. Others may see it there, so its whole lifetime must be short.

        Args:
            longest_seconds: the longest lifetime, from its issue to its expiry.

        Raises:
            NotAuthenticated: it is not a valid JWT of this daemon, or its lifetime is longer.
            StorageError: as `caller`.
        """
        self.check_current()
        caller = self._from_jwt(token)
        claims = jwt.decode(token, options={"verify_signature": False})  # verified above
        if claims["exp"] - claims["iat"] > longest_seconds:
            raise NotAuthenticated
        return caller

    def still_valid(self, caller: Caller) -> bool:
        """Return whether the credential of a caller is still valid: not revoked, not expired, its user not removed."""
        if caller.expires_ms is not None and caller.expires_ms <= self._clock():
            return False
        if caller.user_id is not None and caller.user_id not in self._users:
            return False
        if caller.session_id:
            return self._is_signed_in(caller.session_id)
        if caller.token_id is None:
            return True
        return any(t.id == caller.token_id and t.revoked_ms is None for t in self._tokens.values())

    def issue_jwt(self, user_id: UserId, *, minutes: float) -> tuple[str, int]:
        """Return a new JWT for a user, and when it expires, in milliseconds UTC.

        Raises:
            UserNotFound: there is no such user.
        """
        self.user(user_id)
        issued = self._clock() // 1000
        expires = issued + round(minutes * 60)
        claims = {"sub": user_id, "aud": JWT_AUDIENCE, "iat": issued, "exp": expires}
        return jwt.encode(claims, self._jwt_secret, algorithm=JWT_ALGORITHM), expires * 1000

    def _from_record(self, record: Token) -> Caller:
        expired = record.expires_ms is not None and record.expires_ms <= self._clock()
        if record.revoked_ms is not None or expired or (record.user_id and record.user_id not in self._users):
            raise NotAuthenticated
        return Caller(name=record.name, user_id=record.user_id, expires_ms=record.expires_ms, token_id=record.id)

    def _from_jwt(self, token: str) -> Caller:
        try:
            claims = jwt.decode(
                token,
                self._jwt_secret,
                algorithms=[JWT_ALGORITHM],
                audience=JWT_AUDIENCE,
                options={"require": ["exp", "iat", "sub", "aud"]},
            )
        except jwt.InvalidTokenError:
            raise NotAuthenticated from None
        user_id = UserId(str(claims["sub"]))
        if user_id not in self._users:
            raise NotAuthenticated
        return Caller(name=user_id, user_id=user_id, expires_ms=int(claims["exp"]) * 1000)
