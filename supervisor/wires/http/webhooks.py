"""The webhook paths of channels; each channel authenticates its own requests."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from supervisor.protocol import ports
from supervisor.protocol.errors import NotAllowed, TemporaryFailure
from supervisor.wires.http.bodies import MAX_WEBHOOK, read_body
from supervisor.wires.peers import is_agents

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5
"""When a provider may try again after a temporary failure, in seconds."""


def routes(declared: Iterable[ports.Route], public_url: Callable[[], str]) -> list[Route]:
    """Return the routes that serve the webhooks of channels.

    Args:
        public_url: the URL by which the outside reaches the server; providers sign it.
    """
    return [Route(route.path, _endpoint(route, public_url), methods=[route.method]) for route in declared]


def _endpoint(route: ports.Route, public_url: Callable[[], str]) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        body = await read_body(request.scope, request.receive, MAX_WEBHOOK)
        if body is None:
            return Response()  # the client has disconnected
        try:
            answer = await route.handler(_to_channel(request, body, public_url()))
        except TemporaryFailure as error:
            logger.warning("%s was answered with 503: %s", route.path, error)
            return Response("try again later\n", 503, {"Retry-After": str(RETRY_SECONDS)}, "text/plain")
        headers = dict(answer.headers)
        if answer.body or answer.status != 204:
            headers["Content-Type"] = (
                answer.content_type
            )  # a header, because Starlette would add a charset to a media type
        return Response(answer.body, answer.status, headers)

    return endpoint


def _to_channel(request: Request, body: bytes, public_url: str) -> ports.WebRequest:
    # Raw path and query: providers sign them before any decoding.
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
        from_agent=partial(_comes_from_agent, request),
    )


async def _comes_from_agent(request: Request) -> bool:
    try:
        return await is_agents(request)
    except NotAllowed:
        return True
