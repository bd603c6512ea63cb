"""The tables `[auth.issuers.NAME]` of config.toml: who else may issue tokens for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from supervisor.protocol.errors import ConfigError

PublicKeyAlgorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
Algorithm = Literal["HS256", "HS384", "HS512", PublicKeyAlgorithm]

SHARED = ("HS256", "HS384", "HS512")
"""Algorithms whose key is a secret that issuer and daemon share; the others have a public key."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerConfig:
    """Somebody who issues JSON Web Tokens (RFC 7519) for our users.

    Attributes:
        algorithm: the only algorithm whose signatures count, whatever a token says.
        secret_file: the file with the shared secret of an HS algorithm. Of the three sources exactly one is given.
        jwks_file: a file with the public keys (RFC 7517, a JWK Set).
        jwks_url: the URL of the public keys: https, or http on loopback.
        issuer: the `iss` that a token must have; empty = it is not checked.
        audience: the `aud` that a token must have; empty = it is not checked.
        user_claim: the claim that holds the id of one of our users.
    """

    algorithm: Algorithm
    secret_file: str | None = None
    jwks_file: str | None = None
    jwks_url: str | None = None
    issuer: str = ""
    audience: str = ""
    user_claim: str = "sub"


def check_issuers(issuers: Mapping[str, IssuerConfig]) -> None:
    """Return if the tables make sense.

    Raises:
        ConfigError: one does not; the error names the key.
    """
    for name, issuer in issuers.items():
        where = f"auth.issuers.{name}"
        sources = {key: getattr(issuer, key) for key in ("secret_file", "jwks_file", "jwks_url")}
        given = [key for key, value in sources.items() if value is not None]
        wanted = ["secret_file"] if issuer.algorithm in SHARED else ["jwks_file", "jwks_url"]
        if len(given) != 1 or given[0] not in wanted:
            raise ConfigError(where, f"{issuer.algorithm} needs exactly one of {', '.join(wanted)}, and no other key")
        if issuer.jwks_url is not None and not is_safe_url(issuer.jwks_url):
            raise ConfigError(
                f"{where}.jwks_url", "must be https://HOST/..., or http:// on loopback, without a password"
            )
        if not issuer.user_claim:
            raise ConfigError(f"{where}.user_claim", "must be the name of a claim")


def is_safe_url(url: str) -> bool:
    """Return whether keys or sign-ins may come from a URL: nobody on the way can change them."""
    try:
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        return safe and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return False
