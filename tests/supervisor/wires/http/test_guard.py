"""Hosts, origins, and errors that nobody caught."""

from __future__ import annotations

import logging

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from supervisor.protocol.errors import SessionNotFound
from supervisor.wires.http.guard import Guard, host_of, origin_of
from tests.supervisor.wires.http.asgi import answers_to, client_of, echo, http_scope
from tests.supervisor.wires.http.serving import refusal

SECRET = "the-password-is-swordfish"


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8787", "127.0.0.1", "127.0.0.1:9", "[::1]", "[::1]:8787", "xswarm.example.org:443"]
)
async def test_own_names_are_served(host: str) -> None:
    async with client_of(Guard(echo, hosts=["XSwarm.example.org"])) as client:
        assert (await client.get("/x", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8787",
        "localhost@evil.example",
        "",
        "[::1",
        "127.0.0.2",
        "0.0.0.0",
        "localhost.",
    ],
)
@pytest.mark.requirement(4)
async def test_name_of_another_host_is_refused(host: str) -> None:
    async with client_of(Guard(echo)) as client:
        refused = refusal(await client.get("/x", headers={"Host": host}))
        assert refused[:2] == (403, "not_allowed")
        assert "Host" in refused[2]


async def test_request_with_no_host_or_two_is_refused() -> None:
    for hosts in ([], [b"localhost", b"localhost"]):
        scope = http_scope() | {"headers": [(b"host", host) for host in hosts]}
        start, _ = await answers_to(Guard(echo), scope, {"type": "http.request"})
        assert start["status"] == 403


@pytest.mark.parametrize("origin", ["http://localhost:8787", "https://xswarm.example.org", "https://console.example"])
async def test_own_and_listed_origins_may_change_things(origin: str) -> None:
    guard = Guard(echo, origins=["https://xswarm.example.org", "https://console.example"])
    async with client_of(guard) as client:
        assert (await client.post("/x", headers={"Origin": origin})).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://localhost",
        "http://localhost:3000",
        "https://localhost:8787",
        "",
        "https://console.example.evil.example",
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "BREW"])
@pytest.mark.requirement(3)
async def test_page_of_another_origin_changes_nothing(origin: str, method: str) -> None:
    async with client_of(Guard(echo, origins=["https://console.example"])) as client:
        assert refusal(await client.request(method, "/x", headers={"Origin": origin}))[:2] == (403, "not_allowed")
        assert (await client.get("/x", headers={"Origin": origin})).status_code == 200


async def test_program_without_an_origin_may_change_things() -> None:
    async with client_of(Guard(echo)) as client:
        assert (await client.post("/x")).status_code == 200


async def test_web_socket_of_another_origin_is_refused_before_it_opens() -> None:
    scope = http_scope(headers={"origin": "https://evil.example"}) | {"type": "websocket", "scheme": "ws"}
    assert await answers_to(Guard(echo), scope, {"type": "websocket.connect"}) == [{"type": "websocket.close"}]


async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError(SECRET)


async def breaks_half_way(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError(SECRET)


async def breaks_afterwards(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("done")(scope, receive, send)
    raise RuntimeError(SECRET)


@pytest.mark.requirement(34)
async def test_error_nobody_caught_is_a_reference_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with client_of(Guard(breaks)) as client:
        response = await client.get("/x")
    status, code, text = refusal(response)
    assert (status, code) == (500, "internal")
    assert SECRET not in response.text
    assert "Traceback" not in response.text
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert text == f"Internal error ({record.getMessage().split(':')[0]})"
    assert SECRET in caplog.text


async def test_half_an_answer_is_cut_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with client_of(Guard(breaks_half_way)) as client:
        with pytest.raises(RuntimeError):
            await client.get("/x")
    assert len(caplog.records) == 1


async def test_whole_answer_stands_whatever_happens_afterwards(caplog: pytest.LogCaptureFixture) -> None:
    async with client_of(Guard(breaks_afterwards)) as client:
        assert (await client.get("/x")).text == "done"
    assert len(caplog.records) == 1


async def test_error_of_ours_is_its_own_answer() -> None:
    async def refuses(scope: Scope, receive: Receive, send: Send) -> None:
        raise SessionNotFound("s")

    async with client_of(Guard(refuses)) as client:
        assert refusal(await client.get("/x")) == (404, "session_not_found", "Session not found: s")


async def test_nothing_is_taken_while_closing() -> None:
    guard = Guard(echo)
    guard.closing = True
    async with client_of(guard) as client:
        response = await client.get("/x")
        assert refusal(response)[:2] == (503, "unavailable")
        assert response.headers["connection"] == "close"
        assert int(response.headers["retry-after"]) > 0


def test_names_are_taken_from_urls() -> None:
    assert host_of("https://Xswarm.example.org:8443/base") == "xswarm.example.org"
    assert host_of("//::1") == ""
    assert host_of("") == ""
    assert origin_of("https://Xswarm.example.org:8443/base") == "https://xswarm.example.org:8443"
    assert origin_of("") == ""
    assert httpx.URL("http://localhost:8787").host == host_of("http://localhost:8787")
