"""ID tokens: all that a right one says is taken, and its hash of the access token must fit. See also test_sign_in."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from supervisor.people.keys import KeySet
from supervisor.people.sign_in.oidc.id_token import CLOCKS_DIFFER_SECONDS, Expected, read
from supervisor.people.sign_in.oidc.port import BadToken
from tests.supervisor.people.sign_in.oidc.service import signed
from tests.supervisor.people.tokens import EC, RSA, jwk, key_set

ISSUER = "https://login.example.org"
EXPECTED = Expected(algorithm="RS256", issuer=ISSUER, client_id="xswarm", nonce="fresh", access_token="access")
HASH = base64.urlsafe_b64encode(hashlib.sha256(b"access").digest()[:16]).rstrip(b"=").decode()


def claims(**more: Any) -> dict[str, Any]:
    now = 1_000_000
    every = {"iss": ISSUER, "sub": "1", "aud": "xswarm", "iat": now, "exp": now + 60, "nonce": "fresh"}
    return every | more


def keys(*known: dict[str, Any], algorithm: str = "RS256") -> KeySet:
    async def read_set() -> bytes:
        return key_set(*(known or (jwk(RSA, kid="one"),)))

    return KeySet("corp", algorithm, read_set)


async def test_a_right_token_is_read() -> None:
    found = await read(signed(claims(at_hash=HASH, more=1)), keys(), EXPECTED, now=1_000_000)
    assert (found["sub"], found["more"]) == ("1", 1)
    assert await read(signed(claims(), kid=None), keys(), EXPECTED, now=1_000_000)


async def test_each_key_of_the_service_counts_but_for_another_algorithm() -> None:
    both = (jwk(EC, "ES256", kid="two"), jwk(RSA, kid="one"))
    assert await read(signed(claims()), keys(*both), EXPECTED, now=1_000_000)
    with pytest.raises(BadToken, match="algorithm"):
        await read(signed(claims(), EC, "ES256", "two"), keys(*both), EXPECTED, now=1_000_000)


async def test_clocks_may_differ_by_some_minutes() -> None:
    last = 1_000_000 + 60 + CLOCKS_DIFFER_SECONDS
    assert await read(signed(claims()), keys(), EXPECTED, now=last - 1)
    with pytest.raises(BadToken, match="exp"):
        await read(signed(claims()), keys(), EXPECTED, now=last + 1)


@pytest.mark.parametrize("more", [{"exp": "soon"}, {"iat": []}, {"aud": 7}, {"aud": {}}, {"nonce": []}])
async def test_claims_of_a_wrong_kind_do_not_count(more: dict[str, Any]) -> None:
    with pytest.raises(BadToken):
        await read(signed(claims(**more)), keys(), EXPECTED, now=1_000_000)
