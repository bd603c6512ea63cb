"""Hosts, origins and tokens of the opening handshake."""

from __future__ import annotations

import pytest
from websockets.datastructures import Headers

from supervisor.wires.socket.handshake import HandshakePolicy, bearer

POLICY = HandshakePolicy("127.0.0.1", ["https://console.example.org", "null"])


def headers(*pairs: tuple[str, str]) -> Headers:
    """Return headers with these lines."""
    return Headers(pairs)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:9999", "localhost", "LOCALHOST:9999", "localhost.:1", "[::1]:9999", "console.example.org"]
)
def test_names_of_this_machine_and_of_listed_origins_are_served(host: str) -> None:
    assert POLICY.refusal(headers(("Host", host))) is None


@pytest.mark.parametrize(
    "host", ["evil.example.org", "127.0.0.1.evil.example", "evil.localhost", "", "[::1", "10.0.0.1"]
)
def test_a_name_of_somebody_else_that_leads_here_is_refused(host: str) -> None:
    assert POLICY.refusal(headers(("Host", host))) == "this Host is not served here"


def test_a_handshake_needs_exactly_one_host() -> None:
    assert POLICY.refusal(headers()) is not None
    assert POLICY.refusal(headers(("Host", "localhost"), ("Host", "localhost"))) is not None


@pytest.mark.requirement(3)
def test_a_listed_origin_is_let_in_and_every_other_one_is_not() -> None:
    host = ("Host", "localhost")
    assert POLICY.refusal(headers(host, ("Origin", "https://console.example.org"))) is None
    for origin in ("null", "https://evil.example.org", "https://console.example.org.evil", "http://localhost:9999", ""):
        assert POLICY.refusal(headers(host, ("Origin", origin))) == (
            "this Origin is not listed in supervisor.allowed_origins"
        ), origin


@pytest.mark.parametrize("host", ["127.0.0.1:9999", "localhost:9999", "[::1]:9999"])
def test_origin_of_the_connections_own_host_is_let_in(host: str) -> None:
    assert POLICY.refusal(headers(("Host", host), ("Origin", f"http://{host}"))) is None
    for other in ("https://localhost:9999", "http://localhost:9998", "http://127.0.0.1", "http://evil.example.org"):
        if other != f"http://{host}":
            assert POLICY.refusal(headers(("Host", host), ("Origin", other))) is not None, other
    assert POLICY.refusal(headers(("Host", "evil.example"), ("Origin", "http://evil.example"))) is not None


def test_a_listed_origin_beside_another_one_does_not_help() -> None:
    listed, other = ("Origin", "https://console.example.org"), ("Origin", "https://evil.example.org")
    assert POLICY.refusal(headers(("Host", "localhost"), listed, other)) is not None


def test_bearer_token_of_a_handshake_is_read_or_counts_as_a_wrong_one() -> None:
    assert bearer(headers()) is None
    assert bearer(headers(("Authorization", "Bearer  abc "))) == "abc"
    assert bearer(headers(("Authorization", "bearer abc"))) == "abc"
    assert bearer(headers(("Authorization", "Basic abc"))) == ""
    assert bearer(headers(("Authorization", "Bearer a"), ("Authorization", "Bearer b"))) == ""
