"""One client of the supervisor socket: who it is, what it asks, what it listens to."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from supervisor.approvals.approvers import TOPIC, own_topic
from supervisor.delivery.hub import Hub
from supervisor.people.identity import Caller, Directory
from supervisor.protocol import events, requests
from supervisor.protocol.errors import InternalError, InvalidMessage, NotAuthenticated, Overloaded, XswarmError
from supervisor.protocol.messages import UserId
from supervisor.wires.failures import ShuttingDown
from supervisor.wires.peers import refuse_agents
from supervisor.wires.socket.client import Client, Order
from supervisor.wires.socket.codec import BadFrame, decode, encode
from supervisor.wires.socket.dispatch import Service, refusal
from supervisor.wires.socket.handshake import bearer
from supervisor.wires.socket.outgoing import Outgoing
from supervisor.wires.socket.replies import Replies
from supervisor.wires.socket.tasks import Tasks

logger = logging.getLogger(__name__)

MAX_FAILED_TOKENS = 3
MAX_OUTSTANDING = 200
"""Requests of one connection that are not answered yet; one more is told `overloaded`."""

MAX_TOPICS = 1_000
"""Topics that one connection may listen to."""

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
class Common:
    """What the connections of one server share.

    Attributes:
        server: what `auth_result` says of us.
        auth_seconds: until a connection without a good token is closed.
        close_seconds: what the other end gets to take what is queued and to answer a close frame.
        came: told of an account that has authenticated.
        tasks: requests under way; they outlive their connection, so that nothing accepted is left half done.
        pending: connections that are not authenticated.
        known: those that are.
        closing: nothing new is started any more.
    """

    service: Service
    directory: Directory
    replies: Replies
    hub: Hub
    server: str
    auth_seconds: float
    close_seconds: float
    came: Callable[[str], None]
    tasks: Tasks = field(default_factory=Tasks)
    pending: set[Connection] = field(default_factory=set)
    known: set[Connection] = field(default_factory=set)
    closing: bool = False


class Connection(Client):
    """One client.

    Args:
        websocket: after the opening handshake.

    Attributes:
        caller: who it is; None until it has authenticated.
    """

    __slots__ = (
        "_closing",
        "_common",
        "_failed_tokens",
        "_order",
        "_outgoing",
        "_outstanding",
        "_timer",
        "_topics",
        "_websocket",
        "caller",
    )

    def __init__(self, websocket: ServerConnection, common: Common) -> None:
        self._websocket = websocket
        self._common = common
        self._outgoing = Outgoing(websocket, self._too_slow)
        self._order: Order | None = None
        self._topics: set[str] = set()
        self._outstanding = 0
        self._failed_tokens = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        self.caller: Caller | None = None

    async def serve(self) -> None:
        """Read until the connection ends."""
        self._common.pending.add(self)
        self._timer = asyncio.get_running_loop().call_later(self._common.auth_seconds, self._not_in_time)
        request = self._websocket.request
        token = bearer(request.headers) if request is not None else None
        if token is not None:
            self._try(token)
        try:
            async for frame in self._websocket:
                if isinstance(frame, bytes):
                    await self.close(CloseCode.UNSUPPORTED_DATA, "text frames only")
                    return
                self._take(frame)
        except ConnectionClosed:
            return
        finally:
            self._leave()

    async def close(self, code: int, reason: str) -> None:
        """Write what is queued, then end the connection, if need be without the other end."""
        self._closing = True
        try:
            async with asyncio.timeout(self._common.close_seconds):
                await self._outgoing.flush()
                await self._websocket.close(code, reason)
        except TimeoutError:
            self._websocket.transport.abort()

    def shut(self, code: int, reason: str) -> None:
        """Begin to close the connection; what it still sends is not looked at."""
        if not self._closing:
            self._closing = True
            self._common.tasks.spawn(self.close(code, reason), f"close a connection with {code}")

    @property
    def order(self) -> Order:
        """The order in which its requests begin."""
        if self._order is None:
            self._order = Order()
        return self._order

    async def write(self, event: events.AnyEvent, request_id: str | None) -> None:
        """Send an event and return when it is written to the socket.

        Raises:
            Gone: it was not.
        """
        await self._outgoing.write(encode(event, request_id))

    async def refuse_agents(self) -> None:
        """Return where the process at its other end is no agent.

        Raises:
            NotAllowed: it is one, or descends from one.
        """
        await refuse_agents(self._websocket.remote_address, self._websocket.local_address)

    def subscribe(self, caller: Caller, topics: Iterable[str]) -> list[str]:
        """Deliver the events of some topics, which a caller may hear, from now on; return all topics subscribed to.

        Raises:
            InvalidMessage: they are too many.
            NotAuthenticated: somebody else calls by now.
        """
        if self.caller is None or self.caller.account != caller.account:
            raise NotAuthenticated
        wanted = self._topics.union(topics)
        if len(wanted) > MAX_TOPICS:
            raise InvalidMessage("subscribe.topics", f"must have at most {MAX_TOPICS} items in all")
        if not self._closing:
            for topic in wanted - self._topics:
                self._common.hub.subscribe(self._heard(topic), self._deliver)
            self._topics = wanted
        return sorted(wanted)

    def unsubscribe(self, topics: Iterable[str]) -> None:
        """Stop delivering the events of some topics."""
        for topic in self._topics.intersection(topics):
            self._common.hub.unsubscribe(self._heard(topic), self._deliver)
        self._topics.difference_update(topics)

    async def check_topics(self) -> None:
        """Hear no more of the sessions that are not the caller's to see any more."""
        if self.caller is not None and self.caller.user_id is not None:
            self.unsubscribe(await self._common.service.closed_topics(self.caller, set(self._topics)))

    def _heard(self, topic: str) -> str:
        """Return the topic of the hub that a client means: a user's questions are those that they may answer."""
        if topic == TOPIC and self.caller is not None and self.caller.user_id is not None:
            return own_topic(self.caller.user_id)
        return topic

    # -- who

    def _try(self, token: str) -> bool:
        """Take a token; the third wrong one closes the connection."""
        try:
            caller = self._common.directory.caller(token)
        except NotAuthenticated:
            self._failed_tokens += 1
            if self._failed_tokens >= MAX_FAILED_TOKENS:
                self.shut(CloseCode.POLICY_VIOLATION, "too many wrong tokens")
            return False
        self._become(caller)
        return True

    def _become(self, caller: Caller) -> None:
        if self.caller is not None and self.caller.account != caller.account:
            self.unsubscribe(set(self._topics))
            self._common.replies.detach(self.caller.account, self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.caller = caller
        self._common.pending.discard(self)
        self._common.known.add(self)
        self._common.replies.attach(caller.account, self)
        self._common.came(caller.account)

    def _not_in_time(self) -> None:
        self._timer = None
        self.shut(CloseCode.POLICY_VIOLATION, "no token in time")

    def _too_slow(self) -> None:
        name = self.caller.name if self.caller is not None else "not authenticated"
        logger.warning("a client (%s) is closed: it does not read what it asked for", name)
        self._closing = False  # a close under way would wait for what is not read
        self.shut(CloseCode.TRY_AGAIN_LATER, "reading too slowly")

    # -- what

    def _take(self, text: str) -> None:
        if self._closing:
            return
        try:
            request = decode(text)
        except BadFrame as error:
            self._refuse(NotAuthenticated() if self.caller is None else error, error.request_id)
            return
        if isinstance(request, requests.Auth):
            success = self._try(request.token)
            message = WELCOME if success else WRONG_TOKEN
            self._post(events.AuthResult(success=success, message=message, server=self._common.server), request)
        elif self.caller is None:
            self._refuse(NotAuthenticated(), request.request_id)
        elif isinstance(request, requests.Ping):
            self._post(events.Pong(), request)
        elif self._common.closing and isinstance(request, STARTS_WORK):
            self._post(refusal(ShuttingDown(), request), request)
        elif self._outstanding >= MAX_OUTSTANDING:
            self._post(refusal(Overloaded(), request), request)
        else:
            self._outstanding += 1
            self._common.tasks.spawn(self._carry_out(request, self.caller), request.type)

    async def _carry_out(self, request: requests.AnyRequest, caller: Caller) -> None:
        try:
            event = await self._common.service.answer(request, caller, self)
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

    # -- what happens elsewhere

    def _deliver(self, event: events.AnyEvent) -> None:
        """Take an event of a topic; nothing that goes wrong here reaches the one it happened to."""
        if self._closing or not self._may_see(event):
            return
        try:
            if isinstance(event, events.ClaudeCodeDelta):
                self._outgoing.post_delta(event)
            else:
                self._outgoing.post(encode(event))
        except Exception:
            logger.exception("an event of type %s cannot be sent", event.type)

    def _may_see(self, event: events.AnyEvent) -> bool:
        """Return whether an event is the caller's to see: a user sees their own alone, whatever the topic.

        Of limits, administrators and operators see everybody's.
        """
        if self.caller is None or self.caller.user_id is None:
            return self.caller is not None
        match event:
            case (
                events.ClaudeCodeDelta()
                | events.ClaudeCodeTool()
                | events.ClaudeCodeQueued()
                | events.ClaudeCodeStuck()
                | events.ClaudeCodeDisconnected()
            ):
                return True  # only on topics of a session or user, which were checked when it subscribed
            case events.SessionUpdated() | events.CostRecorded():
                return event.user_id == self.caller.user_id or f"session:{event.session_id}" in self._topics
            case events.CostAlert():
                return self._common.directory.oversees(self.caller) or self._is_own(event, self.caller.user_id)
            case events.ApprovalRequested() | events.ApprovalResolved():
                return True  # a user hears of their own alone: `_heard`
            case _:
                return False

    def _is_own(self, alert: events.CostAlert, user_id: UserId) -> bool:
        """Return whether a limit is a user's own, or that of a session whose topic they may hear."""
        match alert.scope:
            case "message":
                return alert.user_id == user_id or f"session:{alert.session_id}" in self._topics
            case "session":
                return f"session:{alert.id}" in self._topics
            case "user":
                return alert.id == user_id
            case _:
                return False

    def _leave(self) -> None:
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        self.unsubscribe(set(self._topics))
        if self.caller is not None:
            self._common.replies.detach(self.caller.account, self)
        self._common.pending.discard(self)
        self._common.known.discard(self)
        self._outgoing.close()
