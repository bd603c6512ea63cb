"""A service where people sign in, which a test can make forge, forget and refuse what it likes."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import jwt
from aiohttp import web

from supervisor.config import OidcConfig
from tests.supervisor.people.tokens import RSA, jwk

CLIENT_ID = "xswarm"
CLIENT_SECRET = "a secret: with / signs"

Sign = Callable[[dict[str, Any]], str]


def signed(claims: dict[str, Any], key: Any = RSA, algorithm: str = "RS256", kid: str | None = "one") -> str:
    """Return an ID token."""
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid} if kid is not None else None)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser brought to the service."""

    nonce: str
    challenge: str
    redirect_uri: str


@dataclass
class FakeService:
    """`async with` starts and ends it on a port of loopback.

    Attributes:
        claims: besides those of a right token; None as a value leaves one out.
        sign: makes the token.
        token_status: the status of the token endpoint.
        document: more of the discovery document.
        exchanged: the codes that were given away.
    """

    claims: dict[str, Any] = field(default_factory=lambda: {"email": "alice@example.org", "email_verified": True})
    sign: Sign = signed
    token_status: int = 200
    document: dict[str, Any] = field(default_factory=dict)
    exchanged: list[str] = field(default_factory=list)
    issuer: str = ""
    reads: int = 0
    _codes: dict[str, Asked] = field(default_factory=dict)
    _runner: web.AppRunner | None = None

    def config(self, **more: Any) -> OidcConfig:
        """Return the table for it."""
        return OidcConfig(issuer=self.issuer, client_id=CLIENT_ID, **more)

    def visit(self, url: str) -> dict[str, str]:
        """Sign somebody in; return what the service sends back."""
        asked = dict(parse_qsl(urlsplit(url).query))
        assert url.startswith(f"{self.issuer}/authorize?")
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT_ID)
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._codes[code] = Asked(asked["nonce"], asked["code_challenge"], asked["redirect_uri"])
        return {"code": code, "state": asked["state"]}

    async def stop(self) -> None:
        """End it."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/.well-known/openid-configuration", self._discovery)
        application.router.add_get("/jwks", self._jwks)
        application.router.add_post("/token", self._token)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.issuer = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    async def _discovery(self, request: web.Request) -> web.Response:
        self.reads += 1
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                **self.document,
            }
        )

    async def _jwks(self, request: web.Request) -> web.Response:
        return web.json_response({"keys": [jwk(RSA, kid="one")]})

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if self.token_status != 200:
            return web.json_response({"oops": True}, status=self.token_status)
        asked = self._codes.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked.challenge != challenge or asked.redirect_uri != form["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.exchanged.append(str(form["code"]))
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "248289761001",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 600,
            "nonce": asked.nonce,
            **self.claims,
        }
        token = self.sign({name: value for name, value in claims.items() if value is not None})
        return web.json_response({"access_token": "access", "token_type": "Bearer", "id_token": token})
