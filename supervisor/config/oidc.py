"""The tables `[auth.oidc.NAME]` of config.toml: services where people sign in (OpenID Connect Core 1.0)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from supervisor.config.issuers import PublicKeyAlgorithm, is_safe_url
from supervisor.protocol.errors import ConfigError

NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
"""The form of a name: it stands in a URL, and in the name of an environment variable."""

EMAIL = "email"
"""The claim with a mail address. It counts only where the service says that it has verified the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcConfig:
    """A service where people sign in. They must be users here; nobody becomes one by it.

    Attributes:
        issuer: the URL of the service, exactly as its tokens name it: https, or http on loopback. Where it is asked,
            and its keys, stand in its document at `/.well-known/openid-configuration`.
        client_id: how the service calls us.
        client_secret_file: the file with the secret that it gave us; None = the environment variable
            XSWARM_OIDC_NAME_SECRET, or no secret where that is not set (a public client, which PKCE protects).
        scopes: what we ask for; "openid" must be one of them.
        user_claim: the claim that says who it is: "email" = a mail address of one of our users, anything else = the id
            of a user.
        algorithm: the only algorithm whose signatures count, whatever a token says.
        label: what the button says; empty = "Sign in with NAME".
    """

    issuer: str
    client_id: str
    client_secret_file: str | None = None
    scopes: tuple[str, ...] = ("openid", "email")
    user_claim: str = EMAIL
    algorithm: PublicKeyAlgorithm = "RS256"
    label: str = ""


def check_oidc(providers: Mapping[str, OidcConfig]) -> None:
    """Return if the tables make sense.

    Raises:
        ConfigError: one does not; the error names the key.
    """
    for name, provider in providers.items():
        where = f"auth.oidc.{name}"
        if not NAME.fullmatch(name):
            raise ConfigError(where, f"its name must match {NAME.pattern}")
        if not is_safe_url(provider.issuer) or set(provider.issuer) & set("?#"):
            raise ConfigError(
                f"{where}.issuer", "must be https://HOST/..., or http:// on loopback, without query or password"
            )
        if not provider.client_id:
            raise ConfigError(f"{where}.client_id", "must be the id that the service gave us")
        if "openid" not in provider.scopes or any(not scope or " " in scope for scope in provider.scopes):
            raise ConfigError(f"{where}.scopes", 'must be single words, with "openid" among them')
        if not provider.user_claim:
            raise ConfigError(f"{where}.user_claim", "must be the name of a claim")


def label(name: str, provider: OidcConfig) -> str:
    """Return what the button of a service says."""
    return provider.label or f"Sign in with {name}"
