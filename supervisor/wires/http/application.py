"""The HTTP application: webhooks, REST and the admin API behind one guard."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fastapi import APIRouter
from starlette.routing import BaseRoute, Router

from supervisor.config import Http
from supervisor.people.identity import Directory
from supervisor.protocol import ports
from supervisor.store.ports.keys import IdempotencyStore
from supervisor.wires.http import webhooks as hooks
from supervisor.wires.http.api import api
from supervisor.wires.http.auth import Bearer
from supervisor.wires.http.bodies import Bodies
from supervisor.wires.http.guard import Guard, host_of, origin_of
from supervisor.wires.http.idempotency import Idempotency


def application(
    *routers: APIRouter,
    config: Http,
    directory: Directory,
    keys: IdempotencyStore,
    webhooks: Iterable[ports.Route],
    sockets: Iterable[BaseRoute] = (),
    public_url: Callable[[], str],
    allowed_origins: Iterable[str] = (),
) -> Guard:
    """Return the application: guard, then a channel's webhook or (token, body, Idempotency-Key, route).

    Args:
        webhooks: paths that channels have declared; they take no token of ours.
        sockets: routes of web sockets, which ask for a token themselves.
        public_url: how the outside reaches us.
        allowed_origins: browser origins besides our own.
    """
    with_token = Bearer(Bodies(Idempotency(api(*routers), keys)), directory)
    # What no webhook serves is for everybody with a token.
    routes = [*hooks.routes(webhooks, public_url), *sockets]
    every = Router(routes, redirect_slashes=False, default=with_token)
    hosts = {host_of(f"//{config.host}"), host_of(config.public_url)} - {""}
    origins = {origin_of(config.public_url), *allowed_origins} - {""}
    return Guard(every, hosts=hosts, origins=origins)
