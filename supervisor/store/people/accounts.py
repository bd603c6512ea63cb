"""Users, their addresses and projects, and tokens."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from supervisor.protocol.errors import NotAllowed, UserNotFound
from supervisor.protocol.messages import Address, UserId
from supervisor.store.engine import Database, Reader
from supervisor.store.people.sign_in import end_sign_ins_of
from supervisor.store.people.version import accounts_changed
from supervisor.store.ports.people.accounts import THE_OPERATOR
from supervisor.store.records.accounts import Actor, Token, User
from supervisor.store.rows import TOKENS, to_token, to_user
from supervisor.store.transaction import Transaction

_USERS = "SELECT id, name, role, created_ms FROM users WHERE removed_ms IS NULL ORDER BY id"
_ADDRESSES = "SELECT user_id, kind, value FROM addresses ORDER BY kind, value"
_PROJECTS = "SELECT user_id, project FROM user_projects ORDER BY project"
_OTHER_HOLDER = "SELECT 1 FROM addresses WHERE kind = ? AND value = ? AND user_id <> ?"
_PUT_USER = """
    INSERT INTO users (id, name, role, created_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role, removed_ms = NULL
"""
_DROP_ADDRESSES = "DELETE FROM addresses WHERE user_id = ?"
_DROP_PROJECTS = "DELETE FROM user_projects WHERE user_id = ?"
_ADD_ADDRESS = "INSERT INTO addresses (kind, value, user_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_ADD_PROJECT = "INSERT INTO user_projects (user_id, project) VALUES (?, ?) ON CONFLICT DO NOTHING"
_FORGET_SECOND_FACTOR = "DELETE FROM passphrases WHERE user_id = ?"
_REMOVE_USER = "UPDATE users SET removed_ms = ? WHERE id = ? AND removed_ms IS NULL"
_REVOKE_ALL = "UPDATE tokens SET revoked_ms = ? WHERE user_id = ? AND revoked_ms IS NULL"
_IS_USER = "SELECT 1 FROM users WHERE id = ? AND removed_ms IS NULL"
_INSERT_CREDENTIAL = """
    INSERT INTO tokens (sha256, name, user_id, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?) RETURNING id
"""
_REVOKE = "UPDATE tokens SET revoked_ms = coalesce(revoked_ms, ?) WHERE id = ?"


class SqlAccounts:
    """`AccountStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def users(self) -> list[User]:
        """Return all users that were not removed, by id."""
        return await self._database.read(_users)

    async def put_user(self, user: User, *, by: Actor = THE_OPERATOR, now_ms: int) -> None:
        """Create a user, or replace their name, role, addresses and projects.

        Raises:
            NotAllowed: an address belongs to another user.
        """

        def work(tx: Transaction) -> None:
            for address in user.addresses:
                if tx.one(_OTHER_HOLDER, (address.kind, address.value, user.id)) is not None:
                    raise NotAllowed(
                        f"{address} belongs to another user", "take it from that user first, or remove them"
                    )
            tx.execute(_PUT_USER, (user.id, user.name, user.role, user.created_ms or now_ms))
            tx.execute(_DROP_ADDRESSES, (user.id,))
            tx.execute(_DROP_PROJECTS, (user.id,))
            tx.executemany(_ADD_ADDRESS, [(address.kind, address.value, user.id) for address in user.addresses])
            tx.executemany(_ADD_PROJECT, [(user.id, project) for project in user.projects])
            accounts_changed(tx)
            tx.record(by.name, "user.put", _detail(user) | by.where, now_ms)

        await self._database.write(work)

    async def remove_user(self, user_id: UserId, *, by: Actor = THE_OPERATOR, now_ms: int) -> bool:
        """Remove a user's rights, addresses and tokens; their messages and costs stay."""

        def work(tx: Transaction) -> bool:
            if not tx.changed(_REMOVE_USER, (now_ms, user_id)):
                return False
            tx.execute(_DROP_ADDRESSES, (user_id,))
            tx.execute(_DROP_PROJECTS, (user_id,))
            tx.execute(_FORGET_SECOND_FACTOR, (user_id,))
            end_sign_ins_of(tx, user_id)
            tx.execute(_REVOKE_ALL, (now_ms, user_id))
            accounts_changed(tx)
            tx.record(by.name, "user.removed", {"id": user_id} | by.where, now_ms)
            return True

        return await self._database.write(work)

    async def add_token(
        self,
        sha256: bytes,
        name: str,
        user_id: UserId | None,
        *,
        by: Actor = THE_OPERATOR,
        now_ms: int,
        expires_ms: int | None,
    ) -> Token:
        """Store the SHA-256 of a new token.

        Raises:
            UserNotFound: there is no such user.
        """

        def work(tx: Transaction) -> Token:
            if user_id is not None and tx.one(_IS_USER, (user_id,)) is None:
                raise UserNotFound(user_id)
            (token_id,) = tx.execute(_INSERT_CREDENTIAL, (sha256, name, user_id, now_ms, expires_ms)).fetchone()
            detail = {"id": token_id, "name": name, "user": user_id, "expires_ms": expires_ms}
            accounts_changed(tx)
            tx.record(by.name, "token.created", detail | by.where, now_ms)
            return Token(
                id=token_id, name=name, user_id=user_id, created_ms=now_ms, expires_ms=expires_ms, revoked_ms=None
            )

        return await self._database.write(work)

    async def tokens(self) -> list[tuple[bytes, Token]]:
        """Return all tokens with their hashes, revoked ones too."""
        return await self._database.read(
            lambda connection: [(row[0], to_token(row)) for row in connection.execute(f"{TOKENS} ORDER BY id")]
        )

    async def revoke_token(self, token_id: int, *, by: Actor = THE_OPERATOR, now_ms: int) -> bool:
        """Revoke a token; False = no such token."""

        def work(tx: Transaction) -> bool:
            if not tx.changed(_REVOKE, (now_ms, token_id)):
                return False
            accounts_changed(tx)
            tx.record(by.name, "token.revoked", {"id": token_id} | by.where, now_ms)
            return True

        return await self._database.write(work)


def _detail(user: User) -> dict[str, Any]:
    """Return what the audit trail keeps of a user."""
    return {
        "id": user.id,
        "name": user.name,
        "role": user.role.value,
        "addresses": [str(address) for address in user.addresses],
        "projects": list(user.projects),
    }


def _users(connection: Reader) -> list[User]:
    addresses: defaultdict[str, list[Address]] = defaultdict(list)
    for user_id, kind, value in connection.execute(_ADDRESSES):
        addresses[user_id].append(Address(kind=kind, value=value))
    projects: defaultdict[str, list[str]] = defaultdict(list)
    for user_id, project in connection.execute(_PROJECTS):
        projects[user_id].append(project)
    return [to_user(row, tuple(addresses[row[0]]), tuple(projects[row[0]])) for row in connection.execute(_USERS)]
