"""The `PassphraseStore` port: salted hashes of passphrases, the second factor of approvals."""

from __future__ import annotations

from dataclasses import field
from typing import Protocol

from supervisor.protocol.messages import UserId
from supervisor.protocol.values.record import record
from supervisor.store.ports.people.accounts import THE_OPERATOR
from supervisor.store.records.accounts import Actor


@record
class Passphrase:
    """A stored passphrase.

    Attributes:
        wrong: wrong attempts in a row.
        locked_ms: no attempt counts before this time, in milliseconds UTC; 0 = it is not locked.
    """

    salt: bytes = field(repr=False)
    hash: bytes = field(repr=False)
    wrong: int = 0
    locked_ms: int = 0


class PassphraseStore(Protocol):
    """At most one passphrase for each user."""

    async def get(self, user_id: UserId) -> Passphrase | None:
        """Return the stored passphrase of a user; None = there is none."""

    async def put(self, user_id: UserId, salt: bytes, hashed: bytes, *, by: Actor = THE_OPERATOR, now_ms: int) -> None:
        """Set the passphrase of a user; the count of wrong attempts is 0. `by`: for the audit trail."""

    async def remove(self, user_id: UserId, *, by: Actor = THE_OPERATOR, now_ms: int) -> bool:
        """Delete the passphrase of a user; False = there was none."""

    async def tried(self, user_id: UserId, *, right: bool, most: int, lock_ms: int, now_ms: int) -> None:
        """Count an attempt; after `most` wrong ones in a row, no attempt counts until `lock_ms`."""
