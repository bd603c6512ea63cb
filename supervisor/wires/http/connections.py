"""HTTP connections: a deadline whenever the client has to act, a share for each address, and a reserve for webhooks.

uvicorn closes only idle connections, and forgets even this once the client sends any byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

from supervisor.wires.peers import PEER, Peer

MAX_HEAD = 64 * 1024
"""Most bytes of a request line with its headers."""

CLIENT_SECONDS = 30
"""Deadline in seconds for a head, for the next request after an answer, and for reading the next part of an answer."""

MAX_CONNECTIONS = 1_024
"""Most open connections."""

MAX_OF_ADDRESS = 512
"""Most open connections of one IPv4 address or IPv6 /64 network. Trusted proxies are exempt."""

CLOSE_SECONDS = 10.0
"""How long the client of a web socket gets to read the rest once it is being closed, in seconds."""

WIRE = "xswarm.wire"
"""Key of an ASGI scope: the `WebSocketConnection` of a web socket."""

RESERVE = 128
"""Connections beyond this rest of `MAX_CONNECTIONS` serve webhooks only."""


class LimitedConnection(HttpToolsProtocol):
    """The HTTP protocol of uvicorn with limits, so that no client can keep a connection for ever.

    Where too many connections are open, the one whose client has been silent for the longest time is closed.

    Attributes:
        max_head: in bytes; one more read of the socket may be buffered.
        client_seconds: the deadline of each step of the client, in seconds.
        webhooks: paths that the reserve serves; they are signed, so a complete request holds no connection for long.
        proxies: IP addresses or networks whose connections are of many clients.
        waits_since: when the client's step began, by the clock of the loop.
    """

    max_head: ClassVar[int] = MAX_HEAD
    client_seconds: ClassVar[float] = CLIENT_SECONDS
    max_connections: ClassVar[int] = MAX_CONNECTIONS
    max_of_address: ClassVar[int] = MAX_OF_ADDRESS
    reserve: ClassVar[int] = RESERVE
    webhooks: ClassVar[frozenset[bytes]] = frozenset()
    proxies: ClassVar[Sequence[str]] = ()

    _in_head = False
    _head_bytes = 0
    _deadline: asyncio.TimerHandle | None = None
    _peer: Peer | None = None
    waits_since = 0.0

    @property
    def waits(self) -> bool:
        """Whether the server waits for the client: for a head, a body, or to read the answer."""
        if self._deadline is not None or self.transport.is_closing():
            return True
        return not self.pipeline and self.cycle is not None and self.cycle.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_deadline()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        super().connection_lost(exc)

    def abort(self) -> None:
        """Close the connection at once, also where the client does not read the rest of an answer."""
        self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        if not self._answering:
            self._start_deadline()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if not self._answering:
            self._cancel_deadline()
            self.waits_since = self.loop.time()  # for the body
        if self._peer is None:
            self._peer = Peer(self.client, self.server)
        self.scope[PEER] = self._peer  # type: ignore[literal-required]
        self.limit_concurrency = 0 if self._is_over_capacity() else None
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._answering:
            self._start_deadline()  # only the next head ends it: neither a blank line nor the rest of a body does

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_deadline()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._answering:
            self._cancel_deadline()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > self.max_head:
                self.send_400_response("Request head too large.")

    def send_400_response(self, msg: str) -> None:
        super().send_400_response(msg)
        self._start_deadline()

    @property
    def _answering(self) -> bool:
        """Whether a request runs, or waits for an earlier one of this connection."""
        return self.cycle is not None and not self.cycle.response_complete

    def _start_deadline(self) -> None:
        self._cancel_deadline()
        self.waits_since = self.loop.time()
        self._deadline = self.loop.call_later(self.client_seconds, self.abort)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _make_room(self) -> None:
        """Close a connection that waits for its client if this one exceeds the share of its address, or all places."""
        if len(self.connections) > self.max_of_address and not _is_within(self._address, self.proxies):
            ours = _network(self._address)
            theirs = [other for other in self._others() if _network(other._address) == ours]
            if len(theirs) > self.max_of_address:
                _close_longest_waiting(theirs)
        if len(self.connections) > self.max_connections:
            _close_longest_waiting(self._others())

    def _is_over_capacity(self) -> bool:
        """Return whether a request is refused because the reserve is for webhooks."""
        ordinary = self.max_connections - self.reserve
        if len(self.connections) <= ordinary or self.url.partition(b"?")[0] in self.webhooks:
            return False
        return len(self.connections) - sum(other.waits for other in self._others()) > ordinary

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _others(self) -> list[LimitedConnection]:
        """Return all connections of the server, this one included, without web sockets."""
        every: Iterable[Any] = self.connections
        return [other for other in every if isinstance(other, LimitedConnection)]


class WebSocketConnection(WebSocketsSansIOProtocol):
    """The web socket protocol of uvicorn, with three faults mended, and a way to write that does not wait.

    uvicorn logs an error after each refusal that is an HTTP answer; it waits for ever for a client that reads
    nothing, after a close frame as well as after a ping without an answer; and it neither answers nor closes where
    websockets does not take the head of a handshake, as with a line of more than 8 KiB.
    """

    async def run_asgi(self) -> None:
        self.scope[WIRE] = self  # type: ignore[literal-required]
        await super().run_asgi()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated and not self.transport.is_closing():
            self.transport.write(b"".join(self.conn.data_to_send()))  # 414, 431, or nothing
            self.transport.close()
            self._abort_later()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if self.close_sent:
            self.handshake_complete = True
            self._abort_later()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_later()

    def write(self, data: bytes) -> None:
        """Send a text frame without waiting; does nothing once the connection is closed or lost."""
        if self.close_sent or self.disconnected or not self.handshake_complete or self.transport.is_closing():
            return
        try:
            self.conn.send_text(data)
        except InvalidState:  # the client has sent its close frame
            return
        self.transport.write(b"".join(self.conn.data_to_send()))

    def abort(self) -> None:
        """End the connection at once, whatever the client still had to read."""
        if not self.disconnected:
            self.transport.abort()

    def _abort_later(self) -> None:
        self.loop.call_later(CLOSE_SECONDS, self.abort)


def limited(webhooks: Iterable[str], proxies: Sequence[str]) -> type[LimitedConnection]:
    """Return the class of the connections of one server."""
    named = {"webhooks": frozenset(path.encode() for path in webhooks), "proxies": tuple(proxies)}
    return type("LimitedConnection", (LimitedConnection,), named)


def _close_longest_waiting(connections: Iterable[LimitedConnection]) -> None:
    """Close the connection that has waited for its client for the longest time."""
    waiting = [connection for connection in connections if connection.waits]
    if not waiting:
        return
    longest = min(waiting, key=lambda connection: connection.waits_since)
    # Its place is free at once; the loop closes the socket in its next round.
    longest.connections.discard(longest)
    longest.abort()


def _network(host: str) -> object:
    """Return what shares one limit: an IPv4 address, or an IPv6 /64 network, which one subscriber has."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return address
    return address.ipv4_mapped or address.packed[:8]


def _is_within(host: str, networks: Sequence[str]) -> bool:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return any(address in ip_network(network, strict=False) for network in networks)
