"""Tokens as foreign issuers make them."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

SECRET = b"the secret that we share with them"

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def claims(**more: Any) -> dict[str, Any]:
    """Return the claims of a valid token of alice; None as a value leaves a claim out."""
    now = int(time.time())
    every = {"sub": "alice", "iat": now, "exp": now + 600, **more}
    return {name: value for name, value in every.items() if value is not None}


def signed(key: Any = SECRET, algorithm: str = "HS256", *, kid: str | None = None, **more: Any) -> str:
    """Return a token."""
    return jwt.encode(claims(**more), key, algorithm=algorithm, headers={"kid": kid} if kid is not None else None)


def jwk(key: Any, algorithm: str = "RS256", **more: Any) -> dict[str, Any]:
    """Return the public key of a private one as a JWK."""
    kind = jwt.algorithms.ECAlgorithm if algorithm.startswith("ES") else jwt.algorithms.RSAAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), **more}


def key_set(*keys: dict[str, Any]) -> bytes:
    """Return a JWK Set."""
    return json.dumps({"keys": keys}).encode()
