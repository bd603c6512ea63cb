"""Tokens of foreign issuers: which table of config.toml a JWT fits, and which of our users it names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jwt

from supervisor.config.issuers import SHARED, IssuerConfig
from supervisor.people.keys import Keys, KeySet, SharedSecret, from_file, from_url
from supervisor.protocol.errors import ConfigError, NotAuthenticated
from supervisor.protocol.values.record import record
from supervisor.runtime.credentials import Credentials

MAX_TOKEN = 8 * 1024
"""The longest token that is looked at, in characters."""

LONGEST_CLAIM = 256
"""The longest id of a user, in characters."""

NOT_FOR_ACCESS = ("refresh", "offline")
"""Words in the kind of a token that is for its issuer only (OAuth 2.0, RFC 6749 section 1.5)."""

KINDS = ("typ", "type", "token_type", "token_use")
"""The claims, and the header, in which issuers name the kind of a token."""


@record
class ForeignToken:
    """What a valid token says.

    Attributes:
        user: the id of a user, who may not exist.
        issued: seconds UTC; None = it does not say.
        expires: seconds UTC.
    """

    user: str
    issued: float | None
    expires: float


class Issuer:
    """One table `[auth.issuers.NAME]` with its keys."""

    def __init__(self, config: IssuerConfig, keys: Keys) -> None:
        self._config = config
        self._keys = keys

    async def load(self) -> None:
        """Read the keys."""
        await self._keys.matching(None)

    async def read(self, token: str, header: Mapping[str, Any], claims: Mapping[str, Any]) -> ForeignToken | None:
        """Return what a token says; None = it does not fit this table.

        Args:
            header, claims: of the token, not verified.
        """
        config = self._config
        if header.get("alg") != config.algorithm or (config.issuer and claims.get("iss") != config.issuer):
            return None  # before a key is looked up, which may mean a fetch
        kid = header.get("kid")
        for key in await self._keys.matching(kid if isinstance(kid, str) else None):
            if (verified := self._verified(token, key)) is not None:
                return verified
        return None

    def _verified(self, token: str, key: Any) -> ForeignToken | None:
        config = self._config
        required = [
            "exp",
            config.user_claim,
            *(["iss"] if config.issuer else []),
            *(["aud"] if config.audience else []),
        ]
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[config.algorithm],
                issuer=config.issuer or None,
                audience=config.audience or None,
                options={
                    "require": required,
                    "verify_aud": bool(config.audience),
                    "verify_iss": bool(config.issuer),
                    "verify_iat": False,  # the clocks of two machines differ; `exp` is what ends a token
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError, ArithmeticError):
            return None
        user, issued, expires = claims[config.user_claim], claims.get("iat"), claims["exp"]
        if not isinstance(user, str) or not 0 < len(user) <= LONGEST_CLAIM:
            return None
        return ForeignToken(user=user, issued=issued if _is_time(issued) else None, expires=float(expires))


class Issuers:
    """All tables."""

    def __init__(self, issuers: Sequence[Issuer] = ()) -> None:
        self._issuers = tuple(issuers)

    async def read(self, token: str) -> ForeignToken:
        """Return what a token says that fits exactly one table.

        Raises:
            NotAuthenticated: it fits none or several, it is no JWT, or it is not for access.
        """
        if not self._issuers or len(token) > MAX_TOKEN or token.count(".") != 2:
            raise NotAuthenticated
        header, claims = _unverified(token)
        if "crit" in header or _is_refresh(header, claims):
            raise NotAuthenticated
        read = [await issuer.read(token, header, claims) for issuer in self._issuers]
        fitting = [found for found in read if found is not None]
        if len(fitting) != 1:
            raise NotAuthenticated
        return fitting[0]

    async def load(self) -> None:
        """Read the key sets, so that the first token need not wait for them."""
        await asyncio.gather(*(issuer.load() for issuer in self._issuers))


def build(tables: Mapping[str, IssuerConfig], credentials: Credentials) -> Issuers:
    """Return the issuers of config.toml.

    Raises:
        ConfigError: a secret cannot be read, or is too short.
    """
    return Issuers([Issuer(table, _keys(name, table, credentials)) for name, table in tables.items()])


def _keys(name: str, table: IssuerConfig, credentials: Credentials) -> Keys:
    if table.secret_file is not None:
        key = f"auth.issuers.{name}.secret_file"
        text = credentials.from_file(key, Path(table.secret_file))
        credentials.note_common(key, text)
        secret = text.encode()
        least = SECRET_BYTES[table.algorithm]
        if len(secret) < least:
            raise ConfigError(key, f"must hold at least {least} bytes", f"{table.algorithm} needs them (RFC 7518)")
        return SharedSecret(secret)
    if table.jwks_file is not None:
        return KeySet(name, table.algorithm, from_file(Path(table.jwks_file)))
    assert table.jwks_url is not None, "the configuration was checked"
    return KeySet(name, table.algorithm, from_url(table.jwks_url))


SECRET_BYTES = dict(zip(SHARED, (32, 48, 64), strict=True))
"""The shortest secret of each algorithm, in bytes (RFC 7518 section 3.2)."""


def _unverified(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the header and the claims of a JWT, which nobody has verified yet.

    Raises:
        NotAuthenticated: it is no JWT.
    """
    try:
        whole = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise NotAuthenticated from None
    return whole["header"], whole["payload"]


def _is_refresh(header: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    kinds = [header.get("typ"), *(claims.get(name) for name in KINDS)]
    return any(word in str(kind).lower() for kind in kinds for word in NOT_FOR_ACCESS)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
