"""The keys of issuers: which are used, and when they are read again."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from supervisor.people.keys import (
    KEPT_SECONDS,
    MAX_SET_BYTES,
    PAUSE_SECONDS,
    RETRY_SECONDS,
    KeySet,
    SharedSecret,
    UnreadableKeys,
    from_file,
    from_url,
    usable,
)
from tests.supervisor.people.tokens import EC, OTHER_RSA, RSA, jwk, key_set


class Source:
    """A key set that counts how often it is read."""

    def __init__(self, *documents: bytes | UnreadableKeys) -> None:
        self.documents = list(documents)
        self.reads = 0

    async def __call__(self) -> bytes:
        self.reads += 1
        await asyncio.sleep(0)
        document = self.documents[min(self.reads, len(self.documents)) - 1]
        if isinstance(document, UnreadableKeys):
            raise document
        return document


class Clock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def keys_of(source: Source, clock: Clock) -> KeySet:
    return KeySet("them", "RS256", source, clock=clock)


async def test_a_secret_is_the_only_key_whatever_a_token_names() -> None:
    keys = SharedSecret(b"s" * 32)
    assert [*(await keys.matching("any")), *(await keys.matching(None))] == [b"s" * 32] * 2


async def test_a_set_is_read_once_and_kept() -> None:
    source, clock = Source(key_set(jwk(RSA, kid="one"), jwk(OTHER_RSA, kid="two"))), Clock()
    keys = keys_of(source, clock)
    assert len(await keys.matching("one")) == 1
    assert len(await keys.matching("two")) == 1
    assert len(await keys.matching(None)) == 2
    assert source.reads == 1


async def test_an_unknown_key_is_looked_for_again_but_not_at_every_token() -> None:
    source, clock = (
        Source(key_set(jwk(RSA, kid="one")), key_set(jwk(RSA, kid="one"), jwk(OTHER_RSA, kid="two"))),
        Clock(),
    )
    keys = keys_of(source, clock)
    assert await keys.matching("one")
    assert not await keys.matching("two")
    assert source.reads == 1
    clock.now += PAUSE_SECONDS
    assert await keys.matching("two")
    assert source.reads == 2
    for number in range(100):
        assert not await keys.matching(f"forged {number}")
    assert source.reads == 2


async def test_tokens_that_come_at_once_wait_for_one_read() -> None:
    source, clock = Source(key_set(jwk(RSA, kid="one"))), Clock()
    keys = keys_of(source, clock)
    found = await asyncio.gather(*(keys.matching("one") for _ in range(20)))
    assert all(found)
    assert source.reads == 1


async def test_a_withdrawn_key_ends_after_an_hour() -> None:
    source, clock = Source(key_set(jwk(RSA, kid="one")), key_set(jwk(OTHER_RSA, kid="two"))), Clock()
    keys = keys_of(source, clock)
    assert await keys.matching("one")
    clock.now += KEPT_SECONDS
    assert not await keys.matching("one")


async def test_while_a_set_cannot_be_read_the_last_one_counts(caplog: pytest.LogCaptureFixture) -> None:
    good = key_set(jwk(RSA, kid="one"))
    source, clock = Source(good, UnreadableKeys("gone"), UnreadableKeys("gone"), good), Clock()
    keys = keys_of(source, clock)
    assert await keys.matching("one")
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            clock.now += KEPT_SECONDS
            assert await keys.matching("one")
    assert [record.message for record in caplog.records] == [
        "issuer them: its keys cannot be read: gone",
        "issuer them: its keys can be read again",
    ]


async def test_a_set_that_could_not_be_read_is_tried_again_soon() -> None:
    source, clock = Source(UnreadableKeys("not yet"), key_set(jwk(RSA, kid="one"))), Clock()
    keys = keys_of(source, clock)
    assert not await keys.matching("one")
    assert not await keys.matching("one")
    assert source.reads == 1
    clock.now += RETRY_SECONDS
    assert await keys.matching("one")


def test_keys_for_something_else_are_left_out() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    document = key_set(
        jwk(RSA, kid="good"),
        jwk(RSA, kid="named", alg="RS256", use="sig", key_ops=["verify"]),
        jwk(RSA, kid="other algorithm", alg="RS512"),
        jwk(RSA, kid="to encrypt", use="enc"),
        jwk(RSA, kid="to sign", key_ops=["sign"]),
        jwk(EC, "ES256", kid="another kind"),
        jwk(small, kid="too short"),
        {"kty": "oct", "kid": "a secret", "k": "c2VjcmV0"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        {"kid": "nothing"},
    )
    assert [name for name, _ in usable(document, "RS256")] == ["good", "named"]
    assert [name for name, _ in usable(document, "ES256")] == ["another kind"]


def test_a_private_key_in_a_set_is_read_as_its_public_one() -> None:
    private = {**json.loads(jwt_of(RSA)), "kid": "one", "key_ops": ["verify"]}
    assert "d" in private
    ((_, key),) = usable(key_set(private), "RS256")
    assert not hasattr(key, "private_numbers")


def jwt_of(key: rsa.RSAPrivateKey) -> str:
    return str(jwt.algorithms.RSAAlgorithm.to_jwk(key))


@pytest.mark.parametrize(
    "document", [b"", b"{", b"[]", b"{}", b'{"keys": 1}', b'{"keys": []}', b'{"keys": [1, null]}', b'"keys"', b"\xff"]
)
def test_what_is_no_set_is_unreadable(document: bytes) -> None:
    with pytest.raises(UnreadableKeys):
        usable(document, "RS256")


async def test_a_file_is_read_again_when_a_key_is_missing(tmp_path: Path) -> None:
    path, clock = tmp_path / "keys.json", Clock()
    keys = KeySet("them", "RS256", from_file(path), clock=clock)
    assert not await keys.matching("one")
    path.write_bytes(key_set(jwk(RSA, kid="one")))
    clock.now += RETRY_SECONDS
    assert await keys.matching("one")


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    """Serve the keys on loopback; yield the URL."""
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/jwks.json"
    finally:
        await runner.cleanup()


async def test_a_set_is_fetched() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=key_set(jwk(RSA, kid="one")))

    async with served(answer) as url:
        assert await KeySet("them", "RS256", from_url(url)).matching("one")


async def test_a_redirect_is_not_followed() -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/jwks.json":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        return web.Response(body=key_set(jwk(RSA, kid="one")))

    async with served(answer) as url:
        with pytest.raises(UnreadableKeys, match="302"):
            await from_url(url)()


async def test_a_huge_set_is_not_read() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=b" " * (MAX_SET_BYTES + 1))

    async with served(answer) as url:
        with pytest.raises(UnreadableKeys, match="bytes"):
            await from_url(url)()


async def test_nobody_there_is_a_sentence() -> None:
    async def answer(request: web.Request) -> web.Response:
        raise AssertionError("nobody asks")

    async with served(answer) as url:
        pass
    with pytest.raises(UnreadableKeys, match="ClientConnector"):
        await from_url(url)()
