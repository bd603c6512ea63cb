"""The links of this node: the one with the lesser name of each two dials, the other listens."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import WebSocketException

from supervisor.cluster.link.acts import Acts
from supervisor.cluster.link.errors import NodeUnreachable
from supervisor.cluster.link.peer import TO_END_SECONDS, EventHub, Peer
from supervisor.cluster.link.seal import Handshake, NotOurs
from supervisor.runtime.tasks import TaskSet

logger = logging.getLogger(__name__)

Peers = Callable[[], Awaitable[Mapping[str, str]]]
"""Returns the other nodes that live, with the URL of each one's link; empty = it has none."""

HANDSHAKE_SECONDS = 3.0
"""How long each side has for the handshake, in seconds."""

PING_SECONDS = 1.0
SILENT_SECONDS = 3.0
CLOSE_SECONDS = 0.5
"""A ping goes out each second; where none is answered for so long, the link is down, and is closed without asking.
Together below 5 s: an act at a node that cannot be reached fails within that time, and is never waited for in vain."""

LOOK_SECONDS = 1.0
"""Interval of the look for new nodes, and of the attempts to reach one, in seconds."""

MOST_BYTES = 64 * 1024 * 1024
"""Largest frame, in bytes: a live event may carry a whole tool result, an act the files of a turn."""

_OPTIONS: dict[str, Any] = {
    "open_timeout": HANDSHAKE_SECONDS,
    "close_timeout": CLOSE_SECONDS,
    "ping_interval": PING_SECONDS,
    "ping_timeout": SILENT_SECONDS,
    "max_size": MOST_BYTES,
    "compression": None,
}
"""Of a connection, on both sides."""


class Link:
    """Keeps a connection to every other node.

    Args:
        name: of this node.
        key: the link key of the cluster.
        listener: where the others connect.
        peers: the other nodes.
        hub: of this node.
        acts: what the other nodes may ask for.
    """

    def __init__(
        self,
        name: str,
        key: bytes,
        listener: socket.socket,
        peers: Peers,
        hub: EventHub,
        acts: Acts,
        *,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self.acts = acts
        self._name = name
        self._key = key
        self._listener = listener
        self._look = peers
        self._hub = hub
        self._look_seconds = look_seconds
        self._peers: dict[str, Peer] = {}
        self._why: dict[str, str] = {}
        self._dialling: dict[str, asyncio.Task[None]] = {}
        self._tasks = TaskSet()
        self._ending = TaskSet()
        self._server: Server | None = None
        self._release = version("xswarm")

    async def start(self) -> None:
        """Listen, and dial from now on whoever this node has to dial."""
        self._server = await serve(
            self._accept,
            sock=self._listener,
            **_OPTIONS,
        )
        self._tasks.spawn(self._keep_dialling(), "look for nodes")

    async def aclose(self) -> None:
        """End every connection, and let the acts end that other nodes began."""
        await self._tasks.aclose(0.0)
        for peer in list(self._peers.values()):
            peer.hang_up()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        else:
            self._listener.close()
        await self._ending.aclose(TO_END_SECONDS)

    def interest(self, topic: str, wanted: bool) -> None:
        """Tell the other nodes that somebody here wants a topic, or nobody any longer."""
        for peer in self._peers.values():
            if wanted:
                peer.want((topic,))
            else:
                peer.unwant((topic,))

    def standing(self) -> Mapping[str, str]:
        """Return the nodes whose link stands, with the version of each."""
        return {name: peer.release for name, peer in self._peers.items()}

    def why_not(self, name: str) -> str:
        """Return why there is no link to a node, as far as this node knows; empty = it is not known."""
        return self._why.get(name, "")

    async def call(self, node: str, name: str, **given: Any) -> Any:
        """Ask another node for an act; return its result.

        Raises:
            NodeUnreachable: there is no link to it, or it ended before the answer came.
            XswarmError: the other node has refused it.
        """
        if (peer := self._peers.get(node)) is None:
            raise NodeUnreachable(node)
        return await peer.call(name, given)

    async def _keep_dialling(self) -> None:
        while True:
            with suppress(Exception):  # the store is away: whoever is linked stays so
                await self._dial_missing(await self._look())
            await asyncio.sleep(self._look_seconds)

    async def _dial_missing(self, nodes: Mapping[str, str]) -> None:
        for name, url in nodes.items():
            busy = name in self._peers or name in self._dialling
            if self._name < name and url and not busy:
                task = asyncio.create_task(self._dial(name, url), name=f"link to node {name}")
                self._dialling[name] = task
                self._tasks.adopt(task)
        for name in self._why.keys() - nodes.keys():
            del self._why[name]

    async def _dial(self, name: str, url: str) -> None:
        try:
            connection = await connect(
                url,
                proxy=None,
                **_OPTIONS,
            )
        except (OSError, WebSocketException) as error:
            self._note(name, str(error) or type(error).__name__)
            return
        else:
            await self._serve(connection, expected=name)
        finally:
            self._dialling.pop(name, None)

    async def _accept(self, connection: ServerConnection) -> None:
        await self._serve(connection, expected=None)

    async def _serve(self, connection: Connection, *, expected: str | None) -> None:
        """Serve a connection to its end.

        Args:
            expected: the name of the node that was dialled; None = it has dialled this one.
        """
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                peer = await self._shake_hands(connection, expected)
        except (NotOurs, TimeoutError, WebSocketException) as error:
            self._note(expected or "", str(error) or "it does not answer")
            await connection.close()
            return
        if (former := self._peers.get(peer.name)) is not None:
            former.hang_up()  # it has started again, or its former connection is dead and nobody has noticed yet
        self._peers[peer.name] = peer
        self._why.pop(peer.name, None)
        logger.info("node %s: linked", peer.name)
        try:
            await peer.serve()
        finally:
            if self._peers.get(peer.name) is peer:
                del self._peers[peer.name]
                self._note(peer.name, "the link broke")
            # Not awaited: the node is dialled again at once, whatever it has begun here.
            self._ending.spawn(peer.aclose(), f"end what node {peer.name} began")

    async def _shake_hands(self, connection: Connection, expected: str | None) -> Peer:
        shaking = Handshake(self._key, self._name, dialled=expected is not None, release=self._release)
        await connection.send(shaking.hello.encode())
        theirs = shaking.hear(_bytes(await connection.recv()))
        if expected is not None and theirs.name != expected:
            raise NotOurs(f"node {theirs.name} answers where {expected} should; node.url must differ on each node")
        await connection.send(shaking.proof())
        seal = shaking.check(_bytes(await connection.recv()))
        return Peer(theirs.name, theirs.release, connection, seal, self._hub, self.acts)

    def _note(self, name: str, why: str) -> None:
        """Log once when a link breaks or cannot be made, not with each attempt."""
        if self._why.get(name) != why:
            logger.warning("node %s: no link: %s", name or "unknown", why)
        self._why[name] = why


def _bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message
