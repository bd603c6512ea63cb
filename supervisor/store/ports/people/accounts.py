"""The `AccountStore` port: users, their addresses and projects, and tokens."""

from __future__ import annotations

from typing import Protocol

from supervisor.protocol.messages import UserId
from supervisor.store.records.accounts import Actor, Token, User

OPERATOR = "operator"
"""The actor of the audit trail for what is done with the operator's token."""

THE_OPERATOR = Actor(name=OPERATOR)
"""The same where the daemon does not run."""


class AccountStore(Protocol):
    """Users, their addresses and projects, and tokens.

    Each change and its entry in the audit trail are one transaction; `by` is the entry's actor.
    """

    async def users(self) -> list[User]:
        """Return all users that were not removed, by id."""

    async def put_user(self, user: User, *, by: Actor = THE_OPERATOR, now_ms: int) -> None:
        """Create a user, or replace their name, role, addresses and projects.

        Raises:
            NotAllowed: an address belongs to another user.
        """

    async def remove_user(self, user_id: UserId, *, by: Actor = THE_OPERATOR, now_ms: int) -> bool:
        """Remove a user's rights, addresses and tokens; their messages and costs stay. False = no such user."""

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

        Args:
            user_id: the only user that it may act for; None = a service, which may act for every user.
            expires_ms: None = never.

        Raises:
            UserNotFound: there is no such user.
        """

    async def tokens(self) -> list[tuple[bytes, Token]]:
        """Return all tokens with their hashes, revoked ones too."""

    async def revoke_token(self, token_id: int, *, by: Actor = THE_OPERATOR, now_ms: int) -> bool:
        """Revoke a token; False = no such token."""
