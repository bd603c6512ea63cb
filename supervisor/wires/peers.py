"""Keeps agents from requests that decide about agents: each such request checks the process at the other end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from supervisor.cluster.addresses import NodeAddresses
from supervisor.protocol.errors import NotAllowed
from supervisor.runtime.peers.agents import comes_from_agent
from supervisor.runtime.peers.proc import Unknowable
from supervisor.runtime.peers.sockets import is_own

PEER = "xswarm.peer"
"""Key of an ASGI scope: the `Peer` of its connection, whatever the headers of a proxy say."""

NODES = "xswarm.nodes"
"""Key of an ASGI scope: the addresses of other nodes, as `NodeAddresses`."""

OF_ANOTHER_NODE = "deciding about agents from the machine of another node, whose agents this one cannot tell"
WHERE_ELSE = "connect to the node of that machine, or from another machine"

MOST_FOREIGN = 1_000
"""Most clients that are remembered of one connection of a proxy."""


class FromOtherNode(NotAllowed):
    """A connection comes from the machine of another node: the processes there cannot be looked at from here."""

    def __init__(self) -> None:
        super().__init__(OF_ANOTHER_NODE, WHERE_ELSE)


class Peer:
    """The process at the other end of one connection. It is looked up at the first question, and known from then on.

    Args:
        theirs, ours: (host, port, ...) of the two ends; with any other value nothing is checked.
    """

    __slots__ = ("_ends", "_foreign", "_is_agent")

    def __init__(self, theirs: object, ours: object) -> None:
        ends = [end[:2] for end in (theirs, ours) if isinstance(end, tuple) and len(end) > 1]
        self._ends = ends if len(ends) == 2 else None
        self._is_agent: bool | None = None if self._ends else False
        self._foreign: set[str] = set()

    @property
    def address(self) -> object:
        """Host and port of the other end; None = not known."""
        return self._ends[0] if self._ends else None

    async def is_agent(self) -> bool:
        """Return whether the process is an agent or a descendant of one, as far as this machine can tell.

        Raises:
            Unknowable: it cannot be told now; the next call looks again.
        """
        if self._is_agent is None:
            assert self._ends is not None, "without ends it is no agent"
            self._is_agent = await asyncio.to_thread(comes_from_agent, *self._ends)
        return self._is_agent

    async def forwards_our_own(self, host: str) -> bool:
        """Return whether a host, for which the process says that it speaks, is this machine; each is looked up once.

        Raises:
            Unknowable: it cannot be told now.
        """
        if host in self._foreign:
            return False
        if await asyncio.to_thread(is_own, host):
            return True
        if len(self._foreign) < MOST_FOREIGN:
            self._foreign.add(host)
        return False

    async def refuse_agent(self, nodes: NodeAddresses | None = None) -> None:
        """Return if the process is certainly no agent.

        Args:
            nodes: the other nodes; None = there are none.

        Raises:
            NotAllowed: it is an agent, is on the machine of another node, or cannot be looked up now.
        """
        try:
            if self._ends:
                await refuse_other_node(nodes, self._ends[0][0])
            refused = await self.is_agent()
        except Unknowable as error:
            raise not_now(error) from error
        if refused:
            raise NotAllowed("an agent answers no questions about what it may do")


async def is_agents(connection: HTTPConnection) -> bool:
    """Return whether a request comes from an agent.

    Raises:
        NotAllowed: it comes from this machine by a proxy that hides its process.
        FromOtherNode: it comes from the machine of another node.
        Unknowable: it cannot be told now.
    """
    scope = connection.scope
    forwarded = scope.get("client")
    peer = scope.get(PEER) or Peer(forwarded, scope.get("server"))
    if forwarded is not None:  # where a trusted proxy speaks for another, the other counts
        await refuse_other_node(scope.get(NODES), forwarded[0])
    if isinstance(forwarded, tuple) and forwarded[:2] != peer.address and await peer.forwards_our_own(forwarded[0]):
        raise NotAllowed("a process of this machine that comes by a proxy", "connect to it directly")
    return await peer.is_agent()


async def refuse_other_node(nodes: NodeAddresses | None, host: str) -> None:
    """Return if a host is not the machine of another node.

    Args:
        nodes: None = there are no others.

    Raises:
        FromOtherNode: it is: the processes there cannot be looked at from here.
        Unknowable: it cannot be told now.
    """
    if nodes is not None and await nodes.are_elsewhere(host):
        raise FromOtherNode


async def refuse_agent(connection: HTTPConnection) -> None:
    """Return if a request certainly does not come from an agent.

    Raises:
        NotAllowed: it comes from an agent, from the machine of another node, or from this machine by a proxy that hides
            its process, or nobody can tell.
    """
    try:
        refused = await is_agents(connection)
    except Unknowable as error:
        raise not_now(error) from error
    if refused:
        raise NotAllowed("an agent answers no questions about what it may do")


def not_now(error: Unknowable) -> NotAllowed:
    """Return the answer to whoever wants to decide while nobody can tell whether it is an agent."""
    return NotAllowed(
        str(error), "try again in a moment; if it comes again, raise the limit of open files (LimitNOFILE=)"
    )


def behind_proxies(app: ASGIApp, proxies: Sequence[str]) -> ASGIApp:
    """Return an application that trusts the headers of some proxies and keeps the real peer under `PEER`.

    Args:
        proxies: IP addresses or networks.
    """
    believing: Any = ProxyHeadersMiddleware(cast("Any", app), list(proxies))

    async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault(PEER, Peer(scope.get("client"), scope.get("server")))
        await believing(scope, receive, send)

    return keeping


def among_nodes(app: ASGIApp, nodes: NodeAddresses) -> ASGIApp:
    """Return an application whose requests know the addresses of other nodes, under `NODES`."""

    async def knowing(scope: Scope, receive: Receive, send: Send) -> None:
        scope[NODES] = nodes
        await app(scope, receive, send)

    return knowing


no_agents = Depends(refuse_agent)
"""A dependency of a router: refuses agents, whatever token they send."""
