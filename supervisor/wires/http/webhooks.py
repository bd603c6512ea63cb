"""The webhook paths of channels, as plain routes: each channel authenticates what comes by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from supervisor.protocol import ports
from supervisor.protocol.errors import NotAllowed
from supervisor.wires.http.bodies import MAX_WEBHOOK, read
from supervisor.wires.peers import refuse_agent


def routes(declared: Iterable[ports.Route], public_url: Callable[[], str]) -> list[Route]:
    """Return what serves the routes that channels have declared.

    Args:
        public_url: how the outside reaches the server, which is what providers sign.
    """
    return [Route(route.path, _endpoint(route, public_url), methods=[route.method]) for route in declared]


def _endpoint(route: ports.Route, public_url: Callable[[], str]) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        body = await read(request.scope, request.receive, MAX_WEBHOOK)
        if body is None:
            return Response()  # to nobody
        answer = await route.handler(_to_channel(request, body, public_url()))
        headers = dict(answer.headers)
        if answer.body or answer.status != 204:
            headers["Content-Type"] = answer.content_type  # to the letter: as a media type it would get a charset
        return Response(answer.body, answer.status, headers)

    return endpoint


def _to_channel(request: Request, body: bytes, public_url: str) -> ports.WebRequest:
    # Path and query as they came, not decoded and encoded again: providers sign them so.
    raw_path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return ports.WebRequest(
        method=request.method,
        path=request.url.path,
        query=query,
        url=public_url.rstrip("/") + raw_path + (f"?{query}" if query else ""),
        headers=headers,
        body=body,
        from_agent=partial(_is_agents, request),
    )


async def _is_agents(request: Request) -> bool:
    try:
        await refuse_agent(request)
    except NotAllowed:
        return True
    return False
