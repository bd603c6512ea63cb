"""The webhook paths of channels; each channel authenticates its own requests."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from supervisor.protocol.errors import NotAllowed, TemporaryFailure, XswarmError
from supervisor.protocol.ports import web
from supervisor.protocol.ports.channel import OfAnotherNode
from supervisor.wires.failures import MethodNotAllowed, failure
from supervisor.wires.http.bodies import MAX_WEBHOOK, read_body
from supervisor.wires.peers import FromOtherNode, is_agents

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5
"""When a provider may try again after a temporary failure, in seconds."""


Endpoint = Callable[[Request], Awaitable[Response]]

Refused = Callable[[str, int], None]
"""Is told of a request that was answered with an error: its path, as it was declared, and the status."""


def webhook_routes(
    declared: Iterable[web.Route], public_url: Callable[[], str], refused: Refused = lambda path, status: None
) -> list[Route]:
    """Return the routes that serve the webhooks of channels; other methods of their paths get 405.

    Args:
        public_url: the URL by which the outside reaches the server; providers sign it.
        refused: is told of each request that is answered with an error.
    """
    methods: dict[str, set[str]] = {}
    served = []
    for route in declared:
        endpoint = Route(
            route.path, _telling(route.path, _endpoint(route, public_url), refused), methods=[route.method]
        )
        served.append(endpoint)
        methods.setdefault(route.path, set()).update(endpoint.methods or ())
    return [*served, *(Route(path, _NotAllowed(allow)) for path, allow in methods.items())]


def _telling(path: str, endpoint: Endpoint, refused: Refused) -> Endpoint:
    async def told(request: Request) -> Response:
        try:
            answer = await endpoint(request)
        except XswarmError as error:
            refused(path, failure(error).status_code)
            raise
        except Exception:
            refused(path, 500)
            raise
        if answer.status_code >= 400:
            refused(path, answer.status_code)
        return answer

    return told


class _NotAllowed:
    """Refuses every method of a path that no route before it serves."""

    def __init__(self, methods: set[str]) -> None:
        self._allow = ", ".join(sorted(methods))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise MethodNotAllowed(self._allow)


def _endpoint(route: web.Route, public_url: Callable[[], str]) -> Endpoint:
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


def _to_channel(request: Request, body: bytes, public_url: str) -> web.WebRequest:
    # Raw path and query: providers sign them before any decoding.
    raw_path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return web.WebRequest(
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
    except FromOtherNode as error:
        raise OfAnotherNode from error
    except NotAllowed:
        return True
