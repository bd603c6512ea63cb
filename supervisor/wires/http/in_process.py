"""A request to an ASGI application in this process, without a socket."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Scope


async def call(app: ASGIApp, method: str, path: str, body: object | None = None) -> tuple[int, dict[str, Any]]:
    """Send a request to an application; return the status and the JSON of the answer.

    Args:
        path: the quoted path of a URL, with its query.
        body: sent as JSON; None = no body.
    """
    content = b"" if body is None else json.dumps(body).encode()
    path, _, query = path.partition("?")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "root_path": "",
        "query_string": query.encode("ascii"),
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        "client": None,
        "server": None,
    }
    status, answer = 0, b""

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, answer
        if message["type"] == "http.response.start":
            status = message["status"]
        answer += message.get("body", b"")

    await app(scope, receive, send)
    return status, json.loads(answer) if answer else {}
