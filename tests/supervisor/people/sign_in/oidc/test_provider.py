"""One service: how it is asked. What it may answer stands in test_sign_in."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

import pytest
from aiohttp import web

from supervisor.people.sign_in.oidc.port import Round
from supervisor.people.sign_in.oidc.provider import Provider
from tests.supervisor.people.sign_in.oidc.service import CLIENT_ID, CLIENT_SECRET, FakeService

ROUND = Round(redirect_uri="http://localhost:8787/sign-in/oidc/corp", state="s", nonce="n", verifier="v" * 43)


class Watched(FakeService):
    """A service that keeps how its token endpoint was asked."""

    asked: dict[str, Any]

    async def _token(self, request: web.Request) -> web.Response:
        self.asked = {"authorization": request.headers.get("Authorization"), **await request.post()}
        return await super()._token(request)


async def test_where_a_browser_goes() -> None:
    async with FakeService(document={"authorization_endpoint": "https://login.example.org/a?tenant=1"}) as service:
        provider = Provider("corp", service.config(scopes=("openid", "email", "profile")))
        url = await provider.url(ROUND)
        assert url.startswith("https://login.example.org/a?")
        asked = dict(parse_qsl(urlsplit(url).query))
        assert asked.pop("code_challenge") not in ("", ROUND.verifier)
        assert asked == {
            "tenant": "1",
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": ROUND.redirect_uri,
            "scope": "openid email profile",
            "state": "s",
            "nonce": "n",
            "code_challenge_method": "S256",
        }
        assert ROUND.verifier not in url


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
async def test_the_secret_goes_where_the_service_wants_it(method: str) -> None:
    async with Watched(document={"token_endpoint_auth_methods_supported": [method]}) as service:
        provider = Provider("corp", service.config(), None if method == "none" else CLIENT_SECRET)
        back = service.visit(await provider.url(ROUND))
        claims = await provider.claims(back["code"], ROUND)
        assert claims["email"] == "alice@example.org"
        header = f"{quote_plus(CLIENT_ID)}:{CLIENT_SECRET}".encode()
        basic = f"Basic {base64.b64encode(header).decode()}"
        assert service.asked["authorization"] == (basic if method == "client_secret_basic" else None)
        assert service.asked.get("client_secret") == (CLIENT_SECRET if method == "client_secret_post" else None)
        if method != "client_secret_basic":
            assert service.asked["client_id"] == CLIENT_ID
        assert CLIENT_SECRET not in repr(provider)


async def test_its_keys_are_read_anew_where_it_moves_them() -> None:
    async with FakeService() as service:
        provider = Provider("corp", service.config())
        first = provider._key_set(f"{service.issuer}/jwks")
        assert provider._key_set(f"{service.issuer}/jwks") is first
        assert provider._key_set(f"{service.issuer}/moved") is not first
