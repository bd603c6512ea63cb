"""The table `[auth]` of config.toml: how people prove who they are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from supervisor.config.issuers import IssuerConfig
from supervisor.config.oidc import OidcConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """How people prove who they are.

    Attributes:
        session_hours: hours until a person must sign in again, however busy they are.
        session_idle_hours: hours without use after which a person must sign in again.
        issuers: the tables of those who issue tokens for our people, by name.
        oidc: the tables of the services where people may sign in, by name.
    """

    session_hours: float = 168.0
    session_idle_hours: float = 12.0
    issuers: dict[str, IssuerConfig] = field(default_factory=dict)
    oidc: dict[str, OidcConfig] = field(default_factory=dict)


def below(base: Path, auth: Auth) -> Auth:
    """Return the tables with their files as absolute paths; relative ones start at `base`."""
    return replace(
        auth,
        issuers={
            name: replace(
                issuer, secret_file=_below(base, issuer.secret_file), jwks_file=_below(base, issuer.jwks_file)
            )
            for name, issuer in auth.issuers.items()
        },
        oidc={
            name: replace(provider, client_secret_file=_below(base, provider.client_secret_file))
            for name, provider in auth.oidc.items()
        },
    )


def _below(base: Path, given: str | None) -> str | None:
    return str(base / Path(given).expanduser()) if given else given
