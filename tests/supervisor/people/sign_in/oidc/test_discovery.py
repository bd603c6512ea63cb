"""The document of a service: what it must say, and when it is read again."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from supervisor.people.keys import KEPT_SECONDS, RETRY_SECONDS, UnreadableKeys
from supervisor.people.sign_in.oidc.discovery import Discovery, parsed
from tests.supervisor.people.sign_in.oidc.service import FakeService

ISSUER = "https://login.example.org/realm"


def document(**more: Any) -> bytes:
    every = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/jwks",
        **more,
    }
    return json.dumps({name: value for name, value in every.items() if value is not None}).encode()


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"[]",
        b"\xff",
        b'"text"',
        document(issuer="https://evil.example"),
        document(issuer=f"{ISSUER}/"),
        document(jwks_uri=None),
        document(jwks_uri="http://login.example.org/jwks"),
        document(token_endpoint="http://login.example.org/token"),
        document(authorization_endpoint="javascript:alert(1)"),
        document(authorization_endpoint=["https://login.example.org"]),
    ],
)
def test_a_document_that_is_wrong_or_unsafe_is_refused(bad: bytes) -> None:
    with pytest.raises(UnreadableKeys):
        parsed(bad, ISSUER)


def test_the_secret_goes_where_the_service_wants_it() -> None:
    for methods, in_body in ((None, False), (["client_secret_post"], True), ("client_secret_post", False)):
        assert parsed(document(token_endpoint_auth_methods_supported=methods), ISSUER).secret_in_body is in_body
    both = ["client_secret_post", "client_secret_basic"]
    assert not parsed(document(token_endpoint_auth_methods_supported=both), ISSUER).secret_in_body


async def test_it_is_read_again_after_an_hour_and_kept_while_the_service_is_down(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    now, reads, works = 1000.0, 0, False

    async def read() -> bytes:
        nonlocal reads
        reads += 1
        if not works:
            raise UnreadableKeys("HTTP status 500")
        return document()

    discovery = Discovery("corp", ISSUER, read, clock=lambda: now)
    assert await discovery.metadata() is None
    assert await discovery.metadata() is None
    assert reads == 1, "not asked again at once"
    works, now = True, now + RETRY_SECONDS
    known = await discovery.metadata()
    assert known is not None
    works, now = False, now + KEPT_SECONDS
    assert await discovery.metadata() is known
    assert reads == 3
    assert [record.getMessage() for record in caplog.records] == [
        "oidc corp: its document cannot be read: HTTP status 500",
        "oidc corp: its document can be read again",
        "oidc corp: its document cannot be read: HTTP status 500",
    ]


async def test_it_is_fetched_from_its_well_known_place() -> None:
    async with FakeService() as service:
        discovery = Discovery("corp", service.issuer)
        known = await discovery.metadata()
        assert known is not None
        assert known.token_endpoint == f"{service.issuer}/token"
        assert await discovery.metadata() is known
        assert service.reads == 1
