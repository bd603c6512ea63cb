"""Where a cookie counts: our own origin to the letter, and no request that a plain form could send."""

from __future__ import annotations

import pytest

from supervisor.wires.http.cookies import Cookies
from tests.supervisor.wires.http.asgi import http_scope

OWN = "http://localhost:8787"
JSON = {"content-type": "application/json"}


def scope(method: str, headers: dict[str, str], host: str = "localhost:8787") -> dict[str, object]:
    found = http_scope(method, "/", {})
    pairs = {"host": host, **headers}
    return found | {"headers": [(name.encode(), value.encode()) for name, value in pairs.items()]}


@pytest.mark.parametrize(
    ("method", "headers", "counts"),
    [
        ("GET", {"origin": OWN}, True),
        ("GET", {"sec-fetch-site": "same-origin"}, True),
        ("GET", {"sec-fetch-site": "same-site"}, False),
        ("GET", {"sec-fetch-site": "none"}, False),
        ("GET", {}, False),
        ("GET", {"origin": "null"}, False),
        ("GET", {"origin": "http://localhost:8788"}, False),
        ("GET", {"origin": "http://localhost"}, False),
        ("GET", {"origin": "https://localhost:8787"}, False),
        ("GET", {"origin": "http://127.0.0.1:8787"}, False),
        ("GET", {"origin": f"{OWN}.evil.example"}, False),
        ("POST", {"origin": OWN} | JSON, True),
        ("POST", {"origin": OWN, "content-type": "application/json; charset=utf-8"}, True),
        ("POST", {"origin": OWN}, False),
        ("POST", {"origin": OWN, "content-type": "text/plain"}, False),
        ("POST", {"origin": OWN, "content-type": "application/octet-stream"}, False),
        ("PUT", {"origin": OWN, "content-type": "application/octet-stream"}, True),
        ("POST", {"sec-fetch-site": "same-origin"} | JSON, False),
        ("DELETE", {"origin": OWN}, True),
        ("DELETE", {"sec-fetch-site": "same-origin"}, False),
    ],
)
def test_where_it_counts(method: str, headers: dict[str, str], counts: bool) -> None:
    given = scope(method, headers | {"cookie": "other=1; xswarm_session_8787=secret"})
    assert Cookies().secret(given) == ("secret" if counts else "")


def test_its_name_has_the_port_on_loopback() -> None:
    given = scope("GET", {"origin": "http://localhost:9000", "cookie": "xswarm_session_8787=s"}, "localhost:9000")
    assert Cookies().secret(given) == ""
    set_cookie = Cookies().keep_session(given, "s", 60)
    assert set_cookie == "xswarm_session_9000=s; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"


def test_of_the_way_to_another_service_it_is_lax_and_has_the_port() -> None:
    here = scope("POST", {"origin": "http://localhost:9000", "cookie": "xswarm_away_8787=m"} | JSON, "localhost:9000")
    assert Cookies().away(here) == "", "of a daemon on another port"
    assert Cookies().keep_away(here, "m", 60) == "xswarm_away_9000=m; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"
    foreign = scope("POST", {"origin": "http://localhost:9000", "cookie": "xswarm_away_8787=m"} | JSON)
    assert Cookies().away(foreign) == "", "from a foreign page"
    https = Cookies("https://swarm.example.org")
    given = scope(
        "POST", {"origin": "https://swarm.example.org", "cookie": "__Host-xswarm_away=m"}, "swarm.example.org"
    )
    assert https.away(given) == "m"
    assert https.keep_away(given, "m", 60).startswith("__Host-xswarm_away=m; Path=/;")
    assert https.keep_away(given, "m", 60).endswith("; SameSite=Lax; Secure")


def test_on_https_it_belongs_to_the_host_alone() -> None:
    cookies = Cookies("https://Swarm.example.org:443/")
    for host in ("swarm.example.org", "swarm.example.org:443"):
        given = scope("GET", {"origin": "https://swarm.example.org", "cookie": "__Host-xswarm_session=s"}, host)
        assert cookies.secret(given) == "s"
        assert cookies.keep_session(given, "s", 60) == (
            "__Host-xswarm_session=s; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
        )
    plain = scope(
        "GET", {"origin": "http://swarm.example.org", "cookie": "__Host-xswarm_session=s"}, "swarm.example.org"
    )
    assert cookies.secret(plain) == ""
    for public_url in ("", "http://127.0.0.1:8787", "http://localhost:8787"):
        assert Cookies(public_url).own_origin(scope("GET", {}, "127.0.0.1:8787")) == ""
        assert Cookies(public_url).own_origin(scope("GET", {}, "localhost:8787")) == OWN


def test_a_broken_cookie_is_none() -> None:
    assert Cookies().secret(scope("GET", {"origin": OWN, "cookie": 'a\x01=;;="; xswarm_session_8787'})) == ""
