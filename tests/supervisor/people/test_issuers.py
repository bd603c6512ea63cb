"""Tokens of foreign issuers: which fit a table, and which are forged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from supervisor.config import IssuerConfig
from supervisor.people import issuers
from supervisor.people.issuers import Issuers
from supervisor.protocol.errors import ConfigError, NotAuthenticated
from supervisor.runtime.credentials import Credentials
from tests.supervisor.people.tokens import EC, OTHER_RSA, RSA, SECRET, claims, jwk, key_set, signed


@pytest.fixture
def built(tmp_path: Path) -> Any:
    """Return what builds issuers from keyword arguments of their tables."""

    def build(**tables: dict[str, Any]) -> Issuers:
        every = {}
        for name, table in tables.items():
            given = {"algorithm": "HS256", **table}
            if given["algorithm"].startswith("HS"):
                path = tmp_path / f"{name}.secret"
                path.write_bytes(given.pop("secret", SECRET) + b"\n")
                given["secret_file"] = str(path)
            else:
                path = tmp_path / f"{name}.json"
                path.write_bytes(given.pop("keys", key_set(jwk(RSA, kid="one"))))
                given["jwks_file"] = str(path)
            every[name] = IssuerConfig(**given)
        return issuers.build(every, Credentials(tmp_path, {}))

    return build


async def refused(trusted: Issuers, token: str) -> None:
    with pytest.raises(NotAuthenticated):
        await trusted.read(token)


async def test_a_token_names_the_user(built: Any) -> None:
    found = await built(them={}).read(signed())
    assert (found.user, found.expires - found.issued) == ("alice", 600)


async def test_the_user_may_stand_in_another_claim(built: Any) -> None:
    trusted = built(them={"user_claim": "email"})
    assert (await trusted.read(signed(sub=7, email="alice"))).user == "alice"
    await refused(trusted, signed())


async def test_public_keys_verify(built: Any) -> None:
    trusted = built(them={"algorithm": "RS256"}, others={"algorithm": "ES256", "keys": key_set(jwk(EC, "ES256"))})
    assert (await trusted.read(signed(RSA, "RS256", kid="one"))).user == "alice"
    assert (await trusted.read(signed(RSA, "RS256"))).user == "alice"
    assert (await trusted.read(signed(EC, "ES256"))).user == "alice"
    await refused(trusted, signed(RSA, "RS256", kid="two"))
    await refused(trusted, signed(OTHER_RSA, "RS256", kid="one"))


async def test_without_tables_every_foreign_token_is_refused() -> None:
    await refused(Issuers(), signed())


@pytest.mark.parametrize(
    "more",
    [
        {"exp": int(time.time()) - 1},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1e999},
        {"nbf": int(time.time()) + 3600},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
        {"sub": "x" * 257},
        {"sub": ["alice"]},
        {"type": "refresh"},
        {"token_type": "refresh_token"},
        {"token_use": "Refresh"},
        {"typ": "Offline"},
        {"iss": "https://else.example"},
        {"iss": None},
        {"iss": ["https://login.example"]},
        {"aud": "another"},
        {"aud": None},
        {"aud": ["another", "third"]},
    ],
)
async def test_a_token_that_does_not_fit_is_refused(built: Any, more: dict[str, Any]) -> None:
    trusted = built(them={"issuer": "https://login.example", "audience": "xswarm"})
    good = {"iss": "https://login.example", "aud": "xswarm"}
    assert (await trusted.read(signed(**good))).user == "alice"
    body = json.dumps(claims(**{**good, **more})).encode()
    token = jwt.PyJWS().encode(body, SECRET, algorithm="HS256")
    await refused(trusted, token)


async def test_one_of_several_audiences_is_enough(built: Any) -> None:
    assert await built(them={"audience": "xswarm"}).read(signed(aud=["another", "xswarm"]))


async def test_what_a_table_does_not_name_is_not_checked(built: Any) -> None:
    assert await built(them={}).read(signed(iss="anybody", aud="anything"))


@pytest.mark.requirement(9)
async def test_the_algorithm_is_the_tables_and_not_the_tokens(built: Any) -> None:
    trusted = built(them={"algorithm": "RS256"})
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    # The classic forgery: the public key, which everybody knows, as the secret of an HS algorithm.
    await refused(trusted, forged({"alg": "HS256", "typ": "JWT", "kid": "one"}, public))
    await refused(trusted, signed(RSA, "RS512", kid="one"))
    await refused(trusted, signed(RSA, "PS256", kid="one"))


def forged(header: dict[str, Any], key: bytes = SECRET) -> str:
    """Return a token whose header says what it likes, signed by HMAC-SHA-256."""

    def part(value: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    text = part(header) + b"." + part(claims())
    signature = base64.urlsafe_b64encode(hmac.digest(key, text, hashlib.sha256)).rstrip(b"=")
    return (text + b"." + signature).decode()


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None", "typ": "JWT"},
        {"alg": "HS512"},
        {"alg": "hs256"},
        {"typ": "JWT"},
        {"alg": "HS256", "crit": ["b64"], "b64": False},
        {"alg": "HS256", "crit": ["exp"]},
        {"alg": "HS256", "typ": "refresh+jwt"},
        {"alg": ["HS256"]},
        {"alg": "HS256", "kid": 7},
    ],
)
async def test_a_header_that_lies_is_refused(built: Any, header: dict[str, Any]) -> None:
    trusted = built(them={})
    assert await trusted.read(forged({"alg": "HS256", "typ": "JWT"}))
    await refused(trusted, forged(header))


async def test_an_unsigned_token_is_refused(built: Any) -> None:
    trusted = built(them={})
    await refused(trusted, jwt.encode(claims(), "", algorithm="none"))
    head, body, _ = signed().split(".")
    await refused(trusted, f"{head}.{body}.")


@pytest.mark.parametrize(
    "token", ["", "..", "a.b.c", "....", "x" * 9000, signed() + "x", signed().replace(".", ". "), "é.é.é"]
)
async def test_what_is_no_token_is_refused(built: Any, token: str) -> None:
    await refused(built(them={}), token)


async def test_a_token_that_fits_two_tables_is_refused(built: Any) -> None:
    await refused(built(one={}, two={}), signed())
    named = built(one={"issuer": "https://one.example"}, two={"issuer": "https://two.example"})
    assert (await named.read(signed(iss="https://two.example"))).user == "alice"
    await refused(named, signed())


async def test_two_issuers_with_keys_of_their_own_are_told_apart(built: Any) -> None:
    trusted = built(one={}, two={"secret": b"another secret of thirty-two bytes"})
    assert (await trusted.read(signed(b"another secret of thirty-two bytes"))).user == "alice"


def test_a_short_secret_is_refused_at_the_start(built: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        built(them={"secret": b"short"})
    assert str(caught.value) == "auth.issuers.them.secret_file: must hold at least 32 bytes"
    with pytest.raises(ConfigError, match="at least 64 bytes"):
        built(them={"algorithm": "HS512"})


def test_a_missing_secret_is_refused_at_the_start_and_a_given_one_is_masked(tmp_path: Path) -> None:
    table = IssuerConfig(algorithm="HS256", secret_file=str(tmp_path / "none"))
    credentials = Credentials(tmp_path, {})
    with pytest.raises(ConfigError, match=r"auth\.issuers\.them\.secret_file: cannot be read"):
        issuers.build({"them": table}, credentials)
    (tmp_path / "none").write_bytes(SECRET)
    issuers.build({"them": table}, credentials)
    assert SECRET.decode() in credentials.known()


async def test_keys_are_read_ahead(built: Any, tmp_path: Path) -> None:
    trusted = built(them={"algorithm": "RS256"})
    await trusted.load()
    (tmp_path / "them.json").unlink()
    assert await trusted.read(signed(RSA, "RS256", kid="one"))
