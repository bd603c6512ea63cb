"""The HTTP application: webhooks, REST and the admin API behind one guard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fastapi import APIRouter
from starlette.routing import BaseRoute, Router

from supervisor.config import Http
from supervisor.people.authentication import Authenticator
from supervisor.store.ports.keys import IdempotencyStore
from supervisor.wires.http.api import api
from supervisor.wires.http.auth import Bearer
from supervisor.wires.http.bodies import MAX_BODY, Bodies
from supervisor.wires.http.console import ConsoleFile, ConsolePages
from supervisor.wires.http.cookies import Cookies
from supervisor.wires.http.guard import Guard, host_of, origin_of
from supervisor.wires.http.idempotency import Idempotency


def application(
    *routers: APIRouter,
    config: Http,
    authenticator: Authenticator,
    keys: IdempotencyStore,
    webhooks: Iterable[BaseRoute],
    sockets: Iterable[BaseRoute] = (),
    console: Mapping[str, ConsoleFile],
    allowed_origins: Iterable[str] = (),
    upload_limit: int = MAX_BODY,
) -> Guard:
    """Return the application: guard, then a channel's webhook, the console, or token, body, Idempotency-Key and route.

    Args:
        webhooks: the routes of channels; they need no token of ours.
        sockets: routes of web sockets, which check a token themselves, and of pages that need none.
        console: the files of the console, by their path; empty = it is not built.
        allowed_origins: foreign browser origins that may send requests; with a token, never with a cookie.
        upload_limit: most bytes of a file that is PUT.
    """
    with_token = Bearer(
        Bodies(Idempotency(api(*routers), keys), upload_limit=upload_limit), authenticator, Cookies(config.public_url)
    )
    # Every path that is neither a webhook nor a file of the console needs a token.
    every = Router([*webhooks, *sockets], redirect_slashes=False, default=ConsolePages(with_token, console))
    hosts = {host_of(f"//{config.host}"), host_of(config.public_url)} - {""}
    origins = {origin_of(config.public_url), *allowed_origins} - {""}
    return Guard(every, hosts=hosts, origins=origins)
