"""ID tokens: who signed in at a service, checked as OpenID Connect Core 1.0 section 3.1.3.7 says."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import jwt
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from supervisor.people.keys import Keys
from supervisor.people.sign_in.oidc.port import BadToken
from supervisor.protocol.values.record import record

LONGEST = 16 * 1024
"""The longest token that is looked at, in characters."""

CLOCKS_DIFFER_SECONDS = 300
"""How much the clock of a service may differ, in seconds. The nonce binds a token to one sign-in of some minutes."""


@record
class Expected:
    """What a token must say.

    Attributes:
        algorithm: the only one that counts, whatever a token says.
        access_token: what came with it; its hash must fit, where the token has one.
    """

    algorithm: str
    issuer: str
    client_id: str
    nonce: str
    access_token: str | None = None


async def read(token: object, keys: Keys, expected: Expected, *, now: float | None = None) -> Mapping[str, Any]:
    """Return the claims of a token.

    Args:
        now: in seconds UTC; None = now.

    Raises:
        BadToken: it does not count.
    """
    if not isinstance(token, str) or len(token) > LONGEST:
        raise BadToken("no ID token")
    header = _header(token)
    if header.get("alg") != expected.algorithm:
        raise BadToken("algorithm")  # before a key is looked up, which may mean a fetch
    kid = header.get("kid")
    claims = None
    for key in await keys.matching(kid if isinstance(kid, str) else None):
        if (claims := _signed(token, key, expected.algorithm)) is not None:
            break
    if claims is None:
        raise BadToken("signature")
    checked = CodeIDToken(
        claims,
        header,
        options={
            "iss": {"essential": True, "value": expected.issuer},
            "aud": {"essential": True, "value": expected.client_id},
        },
        params={"nonce": expected.nonce, "client_id": expected.client_id, "access_token": expected.access_token},
    )
    try:
        checked.validate(now=int(time.time() if now is None else now), leeway=CLOCKS_DIFFER_SECONDS)
    except JoseError as error:
        raise BadToken(str(getattr(error, "claim", None) or error.error)) from None
    except (ValueError, TypeError, ArithmeticError):
        raise BadToken("claims") from None
    return claims


def _header(token: str) -> Mapping[str, Any]:
    try:
        return jwt.get_unverified_header(token)  # an extension that it does not know ("crit") is an error
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise BadToken("no JWT") from None


def _signed(token: str, key: Any, algorithm: str) -> dict[str, Any] | None:
    """Return the claims of a token that a key has signed; None = it has not. Claims are checked by the caller."""
    unchecked = {f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}
    try:
        return jwt.decode(token, key, algorithms=[algorithm], options=unchecked)  # type: ignore[arg-type]
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return None
