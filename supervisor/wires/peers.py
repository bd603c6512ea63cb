"""Keeps agents from requests that decide about agents: each such request checks the process at the other end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from supervisor.protocol.errors import NotAllowed
from supervisor.runtime.peers import comes_from_agent, is_own

PEER = "xswarm.peer"
"""Key of an ASGI scope: the real address of the other end, unlike the headers of a proxy."""


async def refuse_agents(theirs: object, ours: object) -> None:
    """Return if a connection does not come from an agent, as far as this machine can tell.

    Args:
        theirs, ours: (host, port, ...) of the two ends; any other value is not checked.

    Raises:
        NotAllowed: the process at the other end is an agent, or a descendant of one.
    """
    ends = [end for end in (theirs, ours) if isinstance(end, tuple) and len(end) > 1]
    if len(ends) == 2 and await asyncio.to_thread(comes_from_agent, ends[0][:2], ends[1][:2]):
        raise NotAllowed("an agent answers no questions about what it may do")


async def refuse_agent(connection: HTTPConnection) -> None:
    """Return if a request does not come from an agent.

    Raises:
        NotAllowed: it comes from an agent, or from this machine by a proxy that hides its process.
    """
    scope = connection.scope
    forwarded, peer = scope.get("client"), scope.get(PEER, scope.get("client"))
    if forwarded != peer and isinstance(forwarded, tuple) and await asyncio.to_thread(is_own, forwarded[0]):
        raise NotAllowed("a process of this machine that comes by a proxy", "connect to it directly")
    await refuse_agents(peer, scope.get("server"))


def behind_proxies(app: ASGIApp, proxies: Sequence[str]) -> ASGIApp:
    """Return an application that trusts the headers of some proxies and keeps the real peer under `PEER`.

    Args:
        proxies: IP addresses or networks.
    """
    believing: Any = ProxyHeadersMiddleware(cast("Any", app), list(proxies))

    async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
        scope[PEER] = scope.get("client")
        await believing(scope, receive, send)

    return keeping


no_agents = Depends(refuse_agent)
"""A dependency of a router: refuses agents, whatever token they send."""
