"""REST: whether the process serves (/healthz), and whether its parts work (/readyz)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.responses import JSONResponse

from supervisor.store.port import Store
from supervisor.wires.rest.resource import Endpoint

Parts = Callable[[], Mapping[str, bool]]
"""Returns for each part of the daemon but the store whether it works."""


class HealthRoutes:
    """The routes of health checks; they need no token."""

    def __init__(self, parts: Parts, store: Store) -> None:
        self._parts = parts
        self._store = store

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
        parts = {"store": await self._store.works()} | dict(self._parts())
        ready = all(parts.values())
        shown = {name: "ok" if works else "failed" for name, works in parts.items()}
        return JSONResponse({"status": "ok" if ready else "failed", "parts": shown}, 200 if ready else 503)
