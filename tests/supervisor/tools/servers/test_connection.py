"""Servers behind a URL that misbehave: each is named with what is wrong, and none harms the daemon."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from supervisor.tools.servers.answer import CallFailed
from supervisor.tools.servers.connection import MAX_EVENT, MAX_TOOLS
from supervisor.tools.servers.server import ToolServer
from tests.tool_servers.programs import NAME, connected, started, table
from tests.waiting import until

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ANY = {"type": "object"}


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/mcp", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
    finally:
        await runner.cleanup()


def speaking(**answers: Any) -> Handler:
    """Return a server of the older protocol, whose answers are given by method; a function gets the parameters."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return web.Response(status=405)
        message = await request.json()
        if "id" not in message:
            return web.Response(status=202)
        method = message["method"].replace("/", "_")
        answer = answers.get(method)
        if method == "initialize":
            answer = {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "t", "version": "1"},
            }
        if callable(answer):
            answer = answer(message.get("params") or {})
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is None:
            error = {"code": -32601, "message": "no such method"}
            return web.json_response({"jsonrpc": "2.0", "id": message["id"], "error": error})
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": answer})

    return handle


def at(url: str, folder: Path) -> Any:
    return table(folder / "journal", command="", args=(), env={}, cwd="", url=url, headers={"X-Token": "of-the-server"})


async def html(request: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>sign in here</html>", content_type="text/html")


async def refused(request: web.Request) -> web.StreamResponse:
    return web.Response(status=401)


async def garbage(request: web.Request) -> web.StreamResponse:
    return web.Response(text="{secret text", content_type="application/json")


@pytest.mark.parametrize(("handler", "logged"), [(html, ""), (refused, "HTTP status 401"), (garbage, "")])
async def test_what_is_no_tool_server_is_named(
    handler: Handler, logged: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with serving(handler) as url, started({NAME: at(url, tmp_path)}) as servers:
        await servers.settled(60.0)
        server = servers.named(NAME)
        assert server is not None
        assert not server.works
        assert "it " in server.why
        assert logged in caplog.text
        assert not {"sign in here", "secret text", "of-the-server"} & set(caplog.text.split())


async def test_a_list_comes_in_pages_and_bad_tools_are_left_out(tmp_path: Path) -> None:
    pages: dict[str, Any] = {
        "": {"tools": [{"name": "one", "inputSchema": ANY}], "nextCursor": "2"},
        "2": {"tools": [{"name": "large", "inputSchema": {"type": "object", "x": "y" * 70_000}}], "nextCursor": "3"},
        "3": {"tools": [{"name": "two", "description": "z" * 9_000, "inputSchema": ANY}]},
    }
    handler = speaking(tools_list=lambda params: pages[params.get("cursor", "")])
    async with serving(handler) as url, connected({NAME: at(url, tmp_path)}) as servers:
        (server,) = servers
        assert list(server.tools) == ["one", "two"]
        assert len(server.tools["two"].description) == 8_000


async def test_a_list_without_an_end_is_cut(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    numbers = iter(range(1_000_000))
    handler = speaking(
        tools_list=lambda params: {
            "tools": [{"name": f"t{next(numbers)}", "inputSchema": ANY} for _ in range(100)],
            "nextCursor": "more",
        }
    )
    async with serving(handler) as url, connected({NAME: at(url, tmp_path)}) as servers:
        (server,) = servers
        assert len(server.tools) == MAX_TOOLS
        assert f"it has more than {MAX_TOOLS} tools" in caplog.text


async def one_call(server: ToolServer) -> str:
    with pytest.raises(CallFailed) as caught:
        await server.call(server.tools["one"], {})
    return caught.value.kind


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda params: web.Response(status=500), "ServerError"),
        (lambda params: {"content": "no list"}, "InvalidAnswer"),
        (lambda params: web.Response(text="<html></html>", content_type="text/html"), "ServerError"),
        (lambda params: web.Response(text="{", content_type="application/json"), "ServerError"),
        (lambda params: web.Response(body=b" " * (MAX_EVENT + 1), content_type="application/json"), "ConnectionError"),
    ],
)
async def test_a_call_that_is_answered_badly_fails_and_the_next_one_is_tried(
    answer: Any, kind: str, tmp_path: Path
) -> None:
    answers = [answer, lambda params: {"content": [{"type": "text", "text": json.dumps(params["arguments"])}]}]
    handler = speaking(
        tools_list={"tools": [{"name": "one", "inputSchema": ANY}]},
        tools_call=lambda params: answers.pop(0)(params) if len(answers) > 1 else answers[0](params),
    )
    async with serving(handler) as url, connected({NAME: at(url, tmp_path)}) as servers:
        (server,) = servers
        assert await one_call(server) == kind
        await until(lambda: server.works, "it is connected", 30.0)
        assert (await server.call(server.tools["one"], {"a": 1})).text == '{"a": 1}'


async def test_a_session_that_the_server_forgot_is_begun_anew(tmp_path: Path) -> None:
    begun: list[int] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        message = await request.json() if request.method == "POST" else {}
        if message.get("method") == "initialize":
            begun.append(len(begun))
        elif request.headers.get("mcp-session-id") not in (None, str(begun[-1])):
            return web.Response(status=404)
        response = await inner(request)
        if message.get("method") == "initialize":
            response.headers["mcp-session-id"] = str(begun[-1])
        return response

    inner = speaking(
        tools_list={"tools": [{"name": "one", "inputSchema": ANY}]},
        tools_call=lambda params: {"content": [{"type": "text", "text": "well"}]},
    )
    async with serving(handle) as url, connected({NAME: at(url, tmp_path)}) as servers:
        (server,) = servers
        begun.append(len(begun))  # the server was restarted: it knows no earlier session
        assert await one_call(server) == "ServerError"
        await until(lambda: len(begun) == 3 and server.works, "a new session has begun", 30.0)
        assert (await server.call(server.tools["one"], {})).text == "well"
