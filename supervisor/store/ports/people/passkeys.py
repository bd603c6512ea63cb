"""The `PasskeyStore` port: the public keys of people's passkeys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Protocol

from supervisor.protocol.messages import UserId
from supervisor.protocol.values.record import record
from supervisor.store.ports.people.sign_in import Visitor, Way


@record
class Passkey:
    """A passkey of a user (WebAuthn).

    Attributes:
        id: the id of the credential.
        public_key: COSE (RFC 9052).
        sign_count: what the authenticator counted last; 0 = it does not count.
        name: what its owner calls it.
        root: how its owner was signed in when they added it. It proves no more than that.
        used_ms: None = never.
    """

    id: bytes
    user_id: UserId
    public_key: bytes = field(repr=False)
    sign_count: int
    name: str
    root: Way
    created_ms: int
    used_ms: int | None = None


class PasskeyStore(Protocol):
    """Passkeys. Each change leaves its entry in the audit trail, in the same transaction."""

    async def of(self, user_id: UserId) -> Sequence[Passkey]:
        """Return the passkeys of a user, oldest first."""

    async def get(self, passkey_id: bytes) -> Passkey | None:
        """Return a passkey; None = there is none, or its user was removed."""

    async def any(self) -> bool:
        """Return whether anybody has a passkey."""

    async def add(self, passkey: Passkey, visitor: Visitor, *, now_ms: int) -> bool:
        """Store a passkey; False = it is there already."""

    async def used(self, passkey: Passkey, sign_count: int, *, now_ms: int) -> bool:
        """Note that a passkey was used; False = it was used elsewhere since it was read."""

    async def remove(
        self, passkey_id: bytes, user_id: UserId, visitor: Visitor, *, now_ms: int
    ) -> Sequence[str] | None:
        """Remove a passkey of a user, and end the sessions that it signed in.

        Returns:
            The ids of those sessions; None = the user has no such passkey.
        """
