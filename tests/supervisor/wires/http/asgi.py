"""Small ASGI applications and a client of them in this process, for the layers that need no port."""

from __future__ import annotations

from typing import Any

import httpx
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what was asked."""
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await JSONResponse({"path": scope["path"], "body": body.decode("latin-1")})(scope, receive, send)


def client_of(app: ASGIApp, *, url: str = "http://localhost:8787", reraise: bool = True) -> httpx.AsyncClient:
    """Return a client of an application.

    Args:
        url: its scheme and host are what the application sees.
        reraise: whether what the application raises is raised to the caller.
    """
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=reraise), base_url=url, trust_env=False
    )


async def answers_to(app: ASGIApp, scope: Scope, *messages: Message) -> list[Message]:
    """Call an application with a scope and incoming messages of any kind; return what it sends."""
    incoming, sent = list(messages), []

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def http_scope(
    method: str = "POST", path: str = "/", headers: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """Return the scope of a request to localhost."""
    named = {"host": "localhost"} | (headers or {})
    return {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        **more,
    }
