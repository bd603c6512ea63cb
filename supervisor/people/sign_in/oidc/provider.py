"""One service where people sign in: where it sends them, and what it says about who came back."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.client import OAuth2Client

from supervisor.config.oidc import OidcConfig, label
from supervisor.people.keys import KeySet, from_url
from supervisor.people.sign_in.oidc.discovery import Discovery, Metadata
from supervisor.people.sign_in.oidc.id_token import Expected, read
from supervisor.people.sign_in.oidc.port import BadToken, IdentityProvider, Round, ServiceDown

logger = logging.getLogger(__name__)

EXCHANGE_SECONDS = 10.0
"""How long a service may take to exchange a code for a token, in seconds."""


class Provider(IdentityProvider):
    """One table `[auth.oidc.NAME]`.

    Args:
        secret: what the service gave us; None = we have none.

    Attributes:
        label: what the button says.
        issuer: the URL of the service, as its tokens name it.
        user_claim: the claim that says who it is.
    """

    def __init__(self, name: str, config: OidcConfig, secret: str | None = None) -> None:
        self.label = label(name, config)
        self.issuer = config.issuer
        self.user_claim = config.user_claim
        self._name = name
        self._config = config
        self._secret = secret
        self._discovery = Discovery(name, config.issuer)
        self._keys: dict[str, KeySet] = {}
        self._tls: ssl.SSLContext | None = None

    async def url(self, round_: Round) -> str:
        """Return where a browser goes to sign in.

        Raises:
            ServiceDown: the service cannot be reached.
        """
        known = await self._metadata()
        client = OAuth2Client(session=None, **self._credentials(known, round_))
        url, _ = client.create_authorization_url(
            known.authorization_endpoint, state=round_.state, nonce=round_.nonce, code_verifier=round_.verifier
        )
        return str(url)

    async def claims(self, code: str, round_: Round) -> Mapping[str, Any]:
        """Return what the service says about who signed in, in exchange for a code.

        Raises:
            BadToken: the service does not take the code, or its token does not count.
            ServiceDown: the service cannot be reached.
        """
        known = await self._metadata()
        token = await self._exchange(known, code, round_)
        access = token.get("access_token")
        expected = Expected(
            algorithm=self._config.algorithm,
            issuer=self.issuer,
            client_id=self._config.client_id,
            nonce=round_.nonce,
            access_token=access if isinstance(access, str) else None,
        )
        return await read(token.get("id_token"), self._key_set(known.jwks_uri), expected)

    async def _metadata(self) -> Metadata:
        known = await self._discovery.metadata()
        if known is None:
            raise ServiceDown(self.label)
        return known

    async def _exchange(self, known: Metadata, code: str, round_: Round) -> Mapping[str, Any]:
        if self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)  # it reads many files
        credentials = self._credentials(known, round_)
        try:
            async with (
                asyncio.timeout(EXCHANGE_SECONDS),
                AsyncOAuth2Client(**credentials, verify=self._tls, trust_env=False, follow_redirects=False) as client,
            ):
                token: Mapping[str, Any] = await client.fetch_token(
                    known.token_endpoint, grant_type="authorization_code", code=code, code_verifier=round_.verifier
                )
        except OAuthError as error:
            logger.info("oidc %s: a code is refused: %s", self._name, error.error)
            raise BadToken("code") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError, ValueError) as error:
            logger.warning("oidc %s: a code cannot be exchanged: %s", self._name, type(error).__name__)
            raise ServiceDown(self.label) from None
        return token

    def _credentials(self, known: Metadata, round_: Round) -> dict[str, Any]:
        method = "none"
        if self._secret is not None:
            method = "client_secret_post" if known.secret_in_body else "client_secret_basic"
        return {
            "client_id": self._config.client_id,
            "client_secret": self._secret,
            "token_endpoint_auth_method": method,
            "scope": " ".join(self._config.scopes),
            "redirect_uri": round_.redirect_uri,
            "code_challenge_method": "S256",
        }

    def _key_set(self, url: str) -> KeySet:
        """Return the keys at a URL; a service may name another one some day."""
        if url not in self._keys:
            self._keys = {url: KeySet(f"oidc {self._name}", self._config.algorithm, from_url(url))}
        return self._keys[url]
