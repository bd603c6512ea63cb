"""Changes of users and tokens: the operations behind /api/admin/*, for the daemon and for `maintenance`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from supervisor.config import NAME
from supervisor.people.addresses import mailbox, phone
from supervisor.people.identity import Directory, digest, new_token
from supervisor.people.projects import Project, Projects
from supervisor.protocol.errors import InvalidMessage, TokenNotFound, UserNotFound
from supervisor.protocol.messages import ProjectName, UserId
from supervisor.protocol.status import Role
from supervisor.protocol.text.amounts import counted
from supervisor.protocol.times import DAY_MS, Clock, now_ms, rfc3339
from supervisor.store.ports.audit import AuditStore
from supervisor.store.ports.people.accounts import THE_OPERATOR, AccountStore
from supervisor.store.records.accounts import Actor, Token, User

MAX_EXPIRES_DAYS = 3650
MAX_JWT_MINUTES = 43_200
"""30 days. A JWT cannot be revoked, except by removing its user."""
MAX_TOKEN_ID = 2**63 - 1
"""The largest id that the store can hold."""

_SHOWABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,256}")
_NAME_RULE = "must match [A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_MANAGED = frozenset({"sms", "mail"})
"""The kinds of addresses that `put_user` replaces; those of other kinds are kept."""


class Accounts:
    """Creates, changes and removes users and tokens.

    Each change is stored, with its entry in the audit trail, which names who did it (`by`), before it is copied to the
    directory.

    Args:
        clock: milliseconds UTC.
    """

    def __init__(
        self,
        store: AccountStore,
        audit: AuditStore,
        directory: Directory,
        projects: Projects,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._audit = audit
        self._directory = directory
        self._projects = projects
        self._clock = clock
        self._changing = asyncio.Lock()

    async def reload(self) -> None:
        """Copy all users and tokens from the store to the directory.

        Raises:
            StorageError: they could not be read.
        """
        self._directory.replace(await self._store.users(), await self._store.tokens())

    # -- users

    def users(self) -> list[dict[str, Any]]:
        """Return all users as the wire shows them, sorted by id."""
        return [self._shown(user) for user in self._directory.users()]

    def user(self, user_id: str) -> dict[str, Any]:
        """Return one user as the wire shows it.

        Raises:
            UserNotFound: there is no such user.
        """
        return self._shown(self._directory.user(user_id))

    def projects(self) -> list[tuple[Project, list[UserId]]]:
        """Return the projects of config.toml, by name, each with the users to whom the database gives it."""
        users = self._directory.users()
        return [
            (project, [user.id for user in users if project.name in user.projects])
            for project in self._projects.every()
        ]

    async def put_user(
        self,
        user_id: str,
        *,
        name: str,
        role: str,
        phones: Sequence[str] = (),
        emails: Sequence[str] = (),
        projects: Sequence[str] = (),
        by: Actor = THE_OPERATOR,
    ) -> dict[str, Any]:
        """Create a user, or replace all data of an existing one; return the user as the wire shows it.

        Raises:
            InvalidMessage: names the field and what it must be.
            NotAllowed: an address belongs to another user.
            StorageError: it could not be stored.
        """
        if not NAME.fullmatch(user_id):
            raise InvalidMessage("id", _NAME_RULE)
        if not _SHOWABLE.fullmatch(name):
            raise InvalidMessage("name", "must be 1 to 256 characters without control characters")
        if role not in Role.__members__:
            raise InvalidMessage("role", f"must be one of {', '.join(Role)}, not {role!r}")
        addresses = [phone(text) for text in phones] + [mailbox(text) for text in emails]
        names = [self._project(text) for text in projects]
        async with self._changing:
            known = {user.id: user for user in self._directory.users()}.get(UserId(user_id))
            kept = [a for a in known.addresses if a.kind not in _MANAGED] if known is not None else []
            user = User(
                id=UserId(user_id),
                name=name,
                role=Role(role),
                addresses=tuple(dict.fromkeys(kept + addresses)),
                projects=tuple(dict.fromkeys(names)),
                created_ms=known.created_ms if known is not None else self._clock(),
            )
            await self._store.put_user(user, by=by, now_ms=self._clock())
            await self.reload()
        return self._shown(user)

    async def remove_user(self, user_id: str, *, by: Actor = THE_OPERATOR) -> None:
        """Remove a user with all rights, addresses and tokens. Messages and costs of the user are kept.

        Raises:
            UserNotFound: there is no such user.
            StorageError: it could not be stored.
        """
        async with self._changing:
            if not await self._store.remove_user(UserId(user_id), by=by, now_ms=self._clock()):
                raise UserNotFound(user_id)
            await self.reload()

    # -- tokens

    async def tokens(self, *, of_services: bool = True) -> list[dict[str, Any]]:
        """Return all tokens, also revoked ones, without their secrets.

        Args:
            of_services: False = those of users alone.
        """
        found = [token for _, token in await self._store.tokens()]
        return [_shown_token(token) for token in found if of_services or token.user_id is not None]

    async def create_token(
        self,
        *,
        user_id: str | None = None,
        service: str | None = None,
        expires_days: int | None = None,
        by: Actor = THE_OPERATOR,
    ) -> dict[str, Any]:
        """Create a token for a user or for a service. Its text is returned once and stored nowhere.

        Args:
            expires_days: None = it is valid until it is revoked.

        Raises:
            InvalidMessage: names the field and what it must be.
            UserNotFound: there is no such user.
            StorageError: it could not be stored.
        """
        if (user_id is None) == (service is None):
            raise InvalidMessage("user_id", "exactly one of user_id and service must be given")
        if service is not None and not NAME.fullmatch(service):
            raise InvalidMessage("service", _NAME_RULE)
        if expires_days is not None and not 1 <= expires_days <= MAX_EXPIRES_DAYS:
            raise InvalidMessage("expires_days", f"must be 1 to {MAX_EXPIRES_DAYS}")
        owner = self._directory.user(user_id).id if user_id is not None else None
        token, now = new_token(), self._clock()
        async with self._changing:
            record = await self._store.add_token(
                digest(token),
                str(owner if owner is not None else service),
                owner,
                by=by,
                now_ms=now,
                expires_ms=now + expires_days * DAY_MS if expires_days is not None else None,
            )
            await self.reload()
        shown = _shown_token(record)
        return {"id": record.id, "token": token} | {key: shown[key] for key in ("name", "user_id", "expires_at")}

    async def revoke_token(self, token_id: str, *, of_services: bool = True, by: Actor = THE_OPERATOR) -> None:
        """Revoke a token at once; a token that is revoked already stays revoked.

        Args:
            of_services: False = there are only those of users.

        Raises:
            TokenNotFound: there is no such token.
            StorageError: it could not be stored.
        """
        number = int(token_id) if token_id.isascii() and token_id.isdecimal() and len(token_id) < 20 else -1
        if not 0 <= number <= MAX_TOKEN_ID:
            raise TokenNotFound(token_id)
        async with self._changing:
            if not of_services and number not in [one["id"] for one in await self.tokens(of_services=False)]:
                raise TokenNotFound(token_id)
            if not await self._store.revoke_token(number, by=by, now_ms=self._clock()):
                raise TokenNotFound(token_id)
            await self.reload()

    async def jwt(self, user_id: str, *, minutes: int, by: Actor = THE_OPERATOR) -> dict[str, Any]:
        """Create a JWT for a user.

        Raises:
            InvalidMessage: the lifetime is too long, or less than a minute.
            UserNotFound: there is no such user.
            StorageError: it could not be audited.
        """
        if not 1 <= minutes <= MAX_JWT_MINUTES:
            raise InvalidMessage("minutes", f"must be 1 to {MAX_JWT_MINUTES}")
        token, expires_ms = self._directory.issue_jwt(UserId(user_id), minutes=minutes)
        expires_at = rfc3339(expires_ms)
        detail = {"user": user_id, "expires_at": expires_at} | by.where
        await self._audit.record(by.name, "jwt.issued", detail, now_ms=self._clock())
        return {"token": token, "expires_at": expires_at}

    def subject(self, user_id: str | None) -> User:
        """Return a user by id, or without an id the only user.

        Raises:
            UserNotFound: there is no such user.
            InvalidMessage: no id is given, and there is not exactly one user.
        """
        if user_id is not None:
            return self._directory.user(user_id)
        users = self._directory.users()
        if len(users) != 1:
            raise InvalidMessage("user_id", f"must be given: there are {counted(len(users), 'user')}")
        return users[0]

    def _project(self, name: str) -> ProjectName:
        project = self._projects.get(name)
        if project is None:
            raise InvalidMessage("projects", f"must be names of [projects] in config.toml, not {name!r}")
        return project.name

    def _shown(self, user: User) -> dict[str, Any]:
        return {
            "id": user.id,
            "name": user.name,
            "role": user.role.value,
            "addresses": [{"kind": address.kind, "value": address.value} for address in user.addresses],
            "projects": [
                {"name": project.name, "origin": self._projects.origin(user, project)}
                for project in self._projects.of(user)
            ],
        }


def _shown_token(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "user_id": token.user_id,
        "created_at": rfc3339(token.created_ms),
        "expires_at": rfc3339(token.expires_ms) if token.expires_ms is not None else None,
        "revoked_at": rfc3339(token.revoked_ms) if token.revoked_ms is not None else None,
    }
