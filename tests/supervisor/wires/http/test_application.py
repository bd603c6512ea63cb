"""The layers in their order: guard, token, body, route."""

from __future__ import annotations

from pathlib import Path

from supervisor import config
from supervisor.wires.http.bodies import MAX_BODY
from tests.supervisor.wires.http.hook_channel import PATH, HookChannel
from tests.supervisor.wires.http.serving import SESSIONS, Served, refusal

JSON = {"Content-Type": "application/json"}


async def test_configured_names_are_served(tmp_path: Path) -> None:
    http = config.Http(port=0, public_url="https://xswarm.example.org")
    async with Served(tmp_path, http=http) as served:
        for host in ("xswarm.example.org", "localhost", "127.0.0.1:1"):
            assert (await served.service.get(SESSIONS, headers={"Host": host})).status_code == 200
        assert (await served.service.get(SESSIONS, headers={"Host": "evil.example"})).status_code == 403


async def test_configured_origins_may_change_things(tmp_path: Path) -> None:
    http = config.Http(port=0, public_url="https://xswarm.example.org/base")
    async with Served(tmp_path, http=http, allowed_origins=["https://console.example"]) as served:
        for origin in ("https://xswarm.example.org", "https://console.example", served.server.url):
            response = await served.service.post(SESSIONS, json={}, headers={"Origin": origin})
            assert response.status_code == 422, origin
        refused = await served.service.post(SESSIONS, json={}, headers={"Origin": "https://evil.example"})
        assert refused.status_code == 403


async def test_strange_host_is_refused_before_the_token_is_looked_at(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        nobody = await served.client(None)
        assert (await nobody.get(SESSIONS, headers={"Host": "evil.example"})).status_code == 403
        assert (await nobody.get("/healthz", headers={"Host": "evil.example"})).status_code == 403


async def test_body_of_a_stranger_is_not_read(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        content = b"x" * (MAX_BODY + 1)
        nobody = await served.client(None)
        assert (await nobody.post(SESSIONS, content=content, headers=JSON)).status_code == 401
        refused = await served.service.post(SESSIONS, content=content, headers=JSON)
        assert refusal(refused)[:2] == (413, "too_large")
        largest = b'"' + b"x" * (MAX_BODY - 2) + b'"'
        assert (await served.service.post(SESSIONS, content=largest, headers=JSON)).status_code == 422


async def test_webhook_needs_no_token_of_ours_and_everything_else_does(tmp_path: Path) -> None:
    async with Served(tmp_path, channels=[HookChannel()]) as served:
        nobody = await served.client(None)
        assert (await nobody.post(PATH)).status_code == 200
        for path in ("/webhooks/test", "/webhooks/test/text/", "/", "/api/admin/users"):
            assert (await nobody.post(path)).status_code == 401
