"""One connection of the supervisor socket: authentication, requests, subscriptions."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from supervisor.approvals.approvers import TOPIC, own_topic
from supervisor.cluster.addresses import NodeAddresses
from supervisor.delivery.hub import Hub
from supervisor.people.identity import Caller, Directory
from supervisor.protocol import events, requests
from supervisor.protocol.errors import (
    InternalError,
    InvalidMessage,
    NotAuthenticated,
    Overloaded,
    StorageError,
    XswarmError,
)
from supervisor.runtime.tasks import TaskSet
from supervisor.wires.failures import ShuttingDown
from supervisor.wires.peers import Peer
from supervisor.wires.socket.client import Client, RequestOrder
from supervisor.wires.socket.codec import BadFrame, decode, encode
from supervisor.wires.socket.dispatch import RequestDispatcher, refusal
from supervisor.wires.socket.handshake import bearer
from supervisor.wires.socket.outgoing import SendQueue
from supervisor.wires.socket.replies import ReplyRouter
from supervisor.wires.socket.visibility import may_see

logger = logging.getLogger(__name__)

MAX_FAILED_TOKENS = 3
MAX_OUTSTANDING = 200
"""Most unanswered requests of one connection; the next one is answered with `overloaded`."""

MAX_TOPICS = 1_000
"""Most topics of one connection."""

WELCOME = "Authenticated successfully"
WRONG_TOKEN = "Invalid authentication token"  # noqa: S105 - a sentence

STARTS_WORK = (
    requests.Message,
    requests.ClaudeCodeConnect,
    requests.ClaudeCodeMessage,
    requests.SmsReceived,
    requests.EmailReceived,
)


@dataclass(slots=True, kw_only=True)
class ServerState:
    """The state that all connections of one server share.

    Attributes:
        program: name and version of this program, for `auth_result`.
        auth_seconds: timeout of authentication, in seconds.
        close_seconds: how long the client gets to read the queue and to answer a close frame, in seconds.
        on_authenticated: called with the account of a connection that has authenticated.
        on_refused: called with the address of a client whose token does not count.
        tasks: running requests; they outlive their connection, so that accepted work is finished.
        pending: connections that have not authenticated.
        authenticated: connections that have.
        closing: whether requests that start work are refused.
        nodes: the addresses of other nodes.
    """

    dispatcher: RequestDispatcher
    directory: Directory
    replies: ReplyRouter
    hub: Hub
    program: str
    auth_seconds: float
    close_seconds: float
    on_authenticated: Callable[[str], None]
    on_refused: Callable[[str], None]
    nodes: NodeAddresses
    tasks: TaskSet = field(default_factory=TaskSet)
    pending: set[Connection] = field(default_factory=set)
    authenticated: set[Connection] = field(default_factory=set)
    closing: bool = False


class Connection(Client):
    """One client.

    Args:
        websocket: after the opening handshake.

    Attributes:
        caller: None until the connection has authenticated.
        notices: whether it asked for notices.
    """

    __slots__ = (
        "_closing",
        "_failed_tokens",
        "_order",
        "_outgoing",
        "_outstanding",
        "_peer",
        "_server",
        "_timer",
        "_topics",
        "_websocket",
        "caller",
        "notices",
    )

    def __init__(self, websocket: ServerConnection, server: ServerState) -> None:
        self._websocket = websocket
        self._server = server
        self._outgoing = SendQueue(websocket, self._on_overflow)
        self._order: RequestOrder | None = None
        self._peer = Peer(websocket.remote_address, websocket.local_address)
        self._topics: set[str] = set()
        self._outstanding = 0
        self._failed_tokens = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        self.caller: Caller | None = None
        self.notices = False

    async def serve(self) -> None:
        """Read requests until the connection ends."""
        self._server.pending.add(self)
        self._timer = asyncio.get_running_loop().call_later(self._server.auth_seconds, self._on_auth_timeout)
        request = self._websocket.request
        token = bearer(request.headers) if request is not None else None
        if token is not None:
            self._authenticate(token)
        try:
            async for frame in self._websocket:
                if isinstance(frame, bytes):
                    await self.close(CloseCode.UNSUPPORTED_DATA, "text frames only")
                    return
                self._on_frame(frame)
        except ConnectionClosed:
            return
        finally:
            self._on_closed()

    async def close(self, code: int, reason: str) -> None:
        """Write the queue and close the connection; abort it after a timeout."""
        self._closing = True
        try:
            async with asyncio.timeout(self._server.close_seconds):
                await self._outgoing.flush()
                await self._websocket.close(code, reason)
        except TimeoutError:
            self._websocket.transport.abort()

    def start_close(self, code: int, reason: str) -> None:
        """Start to close the connection; frames that still arrive are ignored."""
        if not self._closing:
            self._closing = True
            self._server.tasks.spawn(self.close(code, reason), f"close a connection with {code}")

    @property
    def order(self) -> RequestOrder:
        """The order in which its requests begin."""
        if self._order is None:
            self._order = RequestOrder()
        return self._order

    async def write(self, event: events.AnyEvent, request_id: str | None) -> None:
        """Send an event and return when it is written to the socket.

        Raises:
            ClientGone: it was not written.
        """
        await self._outgoing.write(encode(event, request_id))

    async def refuse_agents(self) -> None:
        """Return if the process at the other end is certainly no agent.

        Raises:
            NotAllowed: it is an agent or a descendant of one, is on the machine of another node, or cannot be looked up
                now.
        """
        await self._peer.refuse_agent(self._server.nodes)

    def subscribe(self, caller: Caller, topics: Iterable[str]) -> list[str]:
        """Deliver the events of some topics from now on; return all topics of this connection.

        Raises:
            InvalidMessage: there are too many topics.
            NotAuthenticated: the connection has meanwhile authenticated as another caller.
        """
        if self.caller is None or self.caller.account != caller.account:
            raise NotAuthenticated
        wanted = self._topics.union(topics)
        if len(wanted) > MAX_TOPICS:
            raise InvalidMessage("subscribe.topics", f"must have at most {MAX_TOPICS} items in all")
        if not self._closing:
            for topic in wanted - self._topics:
                self._server.hub.subscribe(self._hub_topic(topic), self._on_event)
            self._topics = wanted
        return sorted(wanted)

    def unsubscribe(self, topics: Iterable[str]) -> None:
        """Stop delivering the events of some topics."""
        for topic in self._topics.intersection(topics):
            self._server.hub.unsubscribe(self._hub_topic(topic), self._on_event)
        self._topics.difference_update(topics)

    async def check_topics(self) -> None:
        """Unsubscribe from sessions that the caller may no longer see."""
        if self.caller is not None and self.caller.user_id is not None:
            self.unsubscribe(await self._server.dispatcher.closed_topics(self.caller, set(self._topics)))

    def _hub_topic(self, topic: str) -> str:
        """Return the topic of the hub: for a user, `approvals` means the approvals that this user may decide."""
        if topic == TOPIC and self.caller is not None and self.caller.user_id is not None:
            return own_topic(self.caller.user_id)
        return topic

    # -- authentication

    def _authenticate(self, token: str) -> bool:
        """Check a token; the third wrong one closes the connection."""
        try:
            caller = self._server.directory.caller(token)
        except NotAuthenticated:
            self._failed_tokens += 1
            self._server.on_refused(self._source)
            if self._failed_tokens >= MAX_FAILED_TOKENS:
                self.start_close(CloseCode.POLICY_VIOLATION, "too many wrong tokens")
            return False
        except StorageError:
            self.start_close(CloseCode.TRY_AGAIN_LATER, "the database does not answer")
            return False
        self._set_caller(replace(caller, source=self._source))
        return True

    @property
    def _source(self) -> str:
        address = self._websocket.remote_address
        return str(address[0]) if isinstance(address, tuple) else ""

    def _set_caller(self, caller: Caller) -> None:
        if self.caller is not None and self.caller.account != caller.account:
            self.unsubscribe(set(self._topics))
            self._server.replies.detach(self.caller.account, self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.caller = caller
        self._server.pending.discard(self)
        self._server.authenticated.add(self)
        self._server.replies.attach(caller.account, self)
        self._server.on_authenticated(caller.account)

    def _on_auth_timeout(self) -> None:
        self._timer = None
        self.start_close(CloseCode.POLICY_VIOLATION, "no token in time")

    def _on_overflow(self) -> None:
        name = self.caller.name if self.caller is not None else "not authenticated"
        logger.warning("%s: connection closed, because the client does not read", name)
        self._closing = False  # a running `close` would wait for the client to read
        self.start_close(CloseCode.TRY_AGAIN_LATER, "reading too slowly")

    # -- requests

    def _on_frame(self, text: str) -> None:
        if self._closing:
            return
        try:
            request = decode(text)
        except BadFrame as error:
            self._refuse(NotAuthenticated() if self.caller is None else error, error.request_id)
            return
        if isinstance(request, requests.Auth):
            success = self._authenticate(request.token)
            self.notices = success and request.notices
            message = WELCOME if success else WRONG_TOKEN
            who = self.caller.user_id if success and self.caller is not None else None
            user_id = who if who is not None else events.OMIT
            self._post(
                events.AuthResult(success=success, message=message, server=self._server.program, user_id=user_id),
                request,
            )
        elif self.caller is None:
            self._refuse(NotAuthenticated(), request.request_id)
        elif isinstance(request, requests.Ping):
            self._post(events.Pong(), request)
        elif self._server.closing and isinstance(request, STARTS_WORK):
            self._post(refusal(ShuttingDown(), request), request)
        elif self._outstanding >= MAX_OUTSTANDING:
            self._post(refusal(Overloaded(), request), request)
        else:
            self._outstanding += 1
            self._server.tasks.spawn(self._run_request(request, self.caller), request.type)

    async def _run_request(self, request: requests.AnyRequest, caller: Caller) -> None:
        try:
            event = await self._server.dispatcher.answer(request, caller, self)
            frame = encode(event, request.request_id) if event is not None else None
        except XswarmError as error:
            frame = encode(refusal(error, request), request.request_id)
        except Exception:
            reference = secrets.token_hex(4)
            logger.exception("%s: %s failed", reference, request.type)
            frame = encode(refusal(InternalError(reference), request), request.request_id)
        finally:
            self._outstanding -= 1
        if frame is not None:
            await self._outgoing.send(frame)

    def _post(self, event: events.AnyEvent, request: requests.AnyRequest) -> None:
        self._outgoing.post(encode(event, request.request_id))

    def _refuse(self, error: XswarmError, request_id: str | None) -> None:
        self._outgoing.post(encode(refusal(error), request_id))

    # -- subscriptions

    def _on_event(self, event: events.AnyEvent) -> None:
        """Queue an event of a topic; an error here never reaches the publisher."""
        if self._closing or self.caller is None:
            return
        if not may_see(event, self.caller, self._topics, self._server.directory.oversees):
            return
        try:
            if isinstance(event, events.ClaudeCodeDelta):
                self._outgoing.post_delta(event)
            else:
                self._outgoing.post(encode(event))
        except Exception:
            logger.exception("an event of type %s cannot be sent", event.type)

    def _on_closed(self) -> None:
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        self.unsubscribe(set(self._topics))
        if self.caller is not None:
            self._server.replies.detach(self.caller.account, self)
        self._server.pending.discard(self)
        self._server.authenticated.discard(self)
        self._outgoing.close()
