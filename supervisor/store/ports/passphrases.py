"""The `PassphraseStore` port: hashes of what people know besides having a phone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from supervisor.protocol.messages import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Passphrase:
    """What is stored of a passphrase.

    Attributes:
        wrong: tries in a row that were wrong.
        locked_ms: no try counts before this time, milliseconds UTC.
    """

    salt: bytes = field(repr=False)
    hash: bytes = field(repr=False)
    wrong: int = 0
    locked_ms: int = 0


class PassphraseStore(Protocol):
    """One for each user, or none."""

    async def get(self, user_id: UserId) -> Passphrase | None:
        """Return what is stored of a user's, or None."""

    async def put(self, user_id: UserId, salt: bytes, hashed: bytes, *, now_ms: int) -> None:
        """Set a user's, with no wrong try."""

    async def remove(self, user_id: UserId, *, now_ms: int) -> bool:
        """Forget a user's; False = there was none."""

    async def tried(self, user_id: UserId, *, right: bool, most: int, lock_ms: int, now_ms: int) -> None:
        """Count a try; after `most` wrong ones in a row none counts until `lock_ms`."""
