"""The port of small values that outlive a restart: marks of channels, first answers by Idempotency-Key."""

from __future__ import annotations

from typing import Protocol


class IdempotencyStore(Protocol):
    """Small things kept over restarts: marks of channels, and first answers by Idempotency-Key."""

    async def get_mark(self, name: str) -> int | None:
        """Return a kept number."""

    async def set_mark(self, name: str, value: int) -> None:
        """Keep a number."""

    async def idempotent(self, owner: str, key: str) -> tuple[str, int, str] | None:
        """Return (digest of the request, HTTP status, body) of the first answer, where it is younger than 24 h."""

    async def keep_answer(self, owner: str, key: str, digest: str, status: int, body: str, *, now_ms: int) -> None:
        """Keep the first answer; a later one changes nothing."""
