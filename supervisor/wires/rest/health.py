"""REST: whether the process serves (/healthz), and whether its parts work (/readyz)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import JSONResponse

from supervisor.wires.rest.resource import Endpoint

Parts = Callable[[], Mapping[str, bool]]
"""Returns for each part of the daemon but the store whether it works."""

StoreWorks = Callable[[], Awaitable[bool]]
"""Returns whether the store keeps what is written."""

STORE_SECONDS = 3.0
"""A store that has not answered after so long does not work; in seconds."""


class HealthRoutes:
    """The routes of health checks; they need no token.

    Args:
        seconds: see `STORE_SECONDS`.
    """

    def __init__(self, parts: Parts, store_works: StoreWorks, *, seconds: float = STORE_SECONDS) -> None:
        self._parts = parts
        self._store_works = store_works
        self._seconds = seconds

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/healthz", self.healthz),
            Endpoint("GET", "/readyz", self.readyz),
        ]

    async def healthz(self) -> dict[str, str]:
        """Return that the process serves."""
        return {"status": "ok"}

    async def readyz(self) -> JSONResponse:
        """Return which parts of the daemon work; the status is 503 if one does not."""
        parts = {"store": await self._store_answers()} | dict(self._parts())
        ready = all(parts.values())
        shown = {name: "ok" if works else "failed" for name, works in parts.items()}
        return JSONResponse({"status": "ok" if ready else "failed", "parts": shown}, 200 if ready else 503)

    async def _store_answers(self) -> bool:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._store_works()
        except TimeoutError:
            return False
