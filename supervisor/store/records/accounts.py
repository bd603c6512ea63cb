"""Users, the tokens of users and services, and who does something."""

from __future__ import annotations

from supervisor.protocol.messages import Address, ProjectName, UserId
from supervisor.protocol.status import Role
from supervisor.protocol.values.record import record


@record
class User:
    """A person.

    Attributes:
        projects: those of the database; config.toml may give the user more.
        created_ms: 0 = the store fills it in.
    """

    id: UserId
    name: str
    role: Role
    addresses: tuple[Address, ...] = ()
    projects: tuple[ProjectName, ...] = ()
    created_ms: int = 0


@record
class Token:
    """A credential's record; the token itself is stored nowhere, only its SHA-256.

    Attributes:
        name: the service's name, or the user's id.
        user_id: the only user that the token may act for; None = a service, which may act for every user.
        expires_ms: None = never.
        revoked_ms: None = it is valid.
    """

    id: int
    name: str
    user_id: UserId | None
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None


@record
class Actor:
    """Who does something.

    Attributes:
        name: a user's id, "operator", or the name of a service.
        channel: the wire, such as "http"; empty = the daemon was not running.
        source: the address that the request came from; empty = not known.
    """

    name: str
    channel: str = ""
    source: str = ""

    @property
    def where(self) -> dict[str, str]:
        """What an entry of the audit trail says of the way; empty = nothing is known of it."""
        return {"channel": self.channel, "from": self.source} if self.channel else {}
