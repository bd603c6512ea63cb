"""The `IdempotencyStore` port: first answers by Idempotency-Key, and the marks of channels."""

from __future__ import annotations

from typing import Protocol


class IdempotencyStore(Protocol):
    """Small values that survive a restart: marks (how far a channel has read), and first answers by Idempotency-Key."""

    async def get_mark(self, name: str) -> int | None:
        """Return a mark; None = it was never set."""

    async def set_mark(self, name: str, value: int) -> None:
        """Set a mark."""

    async def idempotent(self, owner: str, key: str) -> tuple[str, int, str] | None:
        """Return (digest of the request, HTTP status, body) of the first answer, kept for 24 h; None = none."""

    async def keep_answer(self, owner: str, key: str, digest: str, status: int, body: str, *, now_ms: int) -> None:
        """Keep the first answer for 24 hours; a later one changes nothing until then."""
