"""The HTTP server of a node that stands by lives, is not ready, says why, and refuses everything else."""

from __future__ import annotations

import httpx
import pytest

from supervisor.config import Http
from supervisor.protocol.errors import ConfigError
from supervisor.wires.standby import StandbyServer
from tests.ports import free_port
from tests.slowness import scaled


def client_of(server: StandbyServer) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=scaled(30.0))


async def test_it_lives_and_is_not_ready() -> None:
    async with StandbyServer(Http(port=0)) as server, client_of(server) as client:
        server.active = "b"
        alive = await client.get("/healthz")
        assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json() == {"status": "failed", "parts": {"node": "failed"}}


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/webhooks/twilio/sms"), ("GET", "/api/admin/users"), ("GET", "/")]
)
async def test_it_refuses_everything_else(method: str, path: str) -> None:
    async with StandbyServer(Http(port=0)) as server, client_of(server) as client:
        server.active = "b"
        answer = await client.request(method, path)
        assert answer.status_code == 503
        assert answer.json()["code"] == "unavailable"
        assert answer.json()["error"] == "This node stands by: b is active"
        assert "remedy" in answer.json()


async def test_its_port_is_free_afterwards() -> None:
    port = free_port()
    async with StandbyServer(Http(port=port)) as server:
        with pytest.raises(ConfigError, match="in use"):
            async with StandbyServer(Http(port=port)):
                pass
    async with StandbyServer(Http(port=port)) as again:
        assert again.url == server.url
