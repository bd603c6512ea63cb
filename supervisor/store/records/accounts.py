"""Who may use the daemon: users, and the tokens of programs."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.protocol.messages import Address, ProjectName, UserId
from supervisor.protocol.status import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. `projects` are those given in the database, besides the ones of config.toml."""

    id: UserId
    name: str
    role: Role
    addresses: tuple[Address, ...] = ()
    projects: tuple[ProjectName, ...] = ()
    created_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A credential's record; the token itself is stored nowhere, only its SHA-256.

    Attributes:
        name: of the service, or the user's id.
        user_id: the one user it speaks for; None = a service, which may act for every user.
    """

    id: int
    name: str
    user_id: UserId | None
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None
