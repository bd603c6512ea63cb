"""/healthz and /readyz over a real port."""

from __future__ import annotations

from pathlib import Path

from tests.supervisor.wires.http.serving import Served


async def test_health_needs_no_token(tmp_path: Path) -> None:
    parts = {"store": True, "mail": True}
    async with Served(tmp_path, parts=lambda: parts) as served:
        nobody = await served.client(None)
        assert (await nobody.get("/healthz")).json() == {"status": "ok"}
        ready = await nobody.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"status": "ok", "parts": {"store": "ok", "mail": "ok"}})
        parts["mail"] = False
        failing = await nobody.get("/readyz")
        assert failing.status_code == 503
        assert failing.json() == {"status": "failed", "parts": {"store": "ok", "mail": "failed"}}
