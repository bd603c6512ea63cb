"""REST: a message that another service received, routed as if its sender had written to us."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from supervisor.commands.reading.words import answers_question
from supervisor.operations.messages import MessageOperations
from supervisor.people.addresses import mailbox
from supervisor.people.identity import Caller, Directory
from supervisor.protocol.errors import IdempotencyConflict, UserNotFound, XswarmError
from supervisor.protocol.limits import Length, Pattern
from supervisor.protocol.messages import Address
from supervisor.protocol.requests import Text
from supervisor.protocol.status import Target
from supervisor.protocol.values.record import record
from supervisor.routing.rules import Decision
from supervisor.store.records.accounts import User
from supervisor.wires.http.auth import Calling
from supervisor.wires.http.idempotency import GivenKey
from supervisor.wires.peers import refuse_agent
from supervisor.wires.rest.resource import Endpoint, key_conflict, work_request

CHANNEL_NAMES = {"email": "mail", "e-mail": "mail"}
"""Other services' names of our channels."""


class Conversation(BaseModel):
    """A message that another service received; `from` is a phone number, a mail address or a user id.

    Without a `channel` it is `sms` for a phone number, `email` for a mail address, and `api` for a user id.
    """

    model_config = ConfigDict(validate_by_alias=True)

    from_: Annotated[str, Length(1, 320)] = Field(alias="from")
    message: Text
    channel: Annotated[str, Pattern(r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")] | None = None


@record
class Routed:
    """A message for Claude Code; its answer is in the session's history and under /api/messages/{message_id}."""

    routed: Literal[True] = True
    user_id: str
    message: str
    channel: str
    action: Literal["routed_to_claude_code"] = "routed_to_claude_code"
    session_id: str
    message_id: str


@record
class NotRouted:
    """A message that is not for Claude Code; nothing was accepted."""

    routed: Literal[False] = False
    reason: str


class UnknownSender(UserNotFound):
    """Unlike `UserNotFound`, it does not repeat the sender, which may be anybody's phone number."""

    def __str__(self) -> str:
        return "User not found"


class RoutingRoutes:
    """The route of messages that other services hand over."""

    def __init__(self, messages: MessageOperations, directory: Directory) -> None:
        self._messages = messages
        self._directory = directory

    def endpoints(self) -> list[Endpoint]:
        """Return the route."""
        return [Endpoint("POST", "/api/claude-code/route-conversation", self.route_conversation)]

    async def route_conversation(
        self, request: Request, caller: Calling, body: Conversation, key: GivenKey
    ) -> Routed | NotRouted:
        """Run a message that is for Claude Code or answers its question; the sender is sent no answer."""
        user = self._sender(caller, body.from_)
        named = body.channel or _channel_of(body.from_)
        channel = CHANNEL_NAMES.get(named.lower(), named.lower())
        work = work_request(caller, channel, key)
        decision: Decision | None = None
        if answers_question(body.message):
            await refuse_agent(request)
        else:
            decision = await self._messages.decide(user, channel, body.message)
        # A repetition of an accepted message stays one, even if the rules would now route it elsewhere.
        first = await self._messages.earlier(caller, channel, work.external_id)
        if decision is not None and decision.target is not Target.CLAUDE_CODE and first is None:
            return NotRouted(reason=decision.reason)
        try:
            taken = await self._messages.route(work, user, body.message, decision=decision)
        except IdempotencyConflict:
            raise key_conflict(key) from None
        self._messages.start(taken)
        # The session that works on the message, or whose question the message answers.
        session_id = first.turn.session_id if first is not None else taken.session_id or taken.decision.session_id
        return Routed(
            user_id=user.id,
            message=body.message,
            channel=named,
            session_id=session_id or "",
            message_id=taken.accepted.message_id,
        )

    def _sender(self, caller: Caller, written: str) -> User:
        """Return the user with a phone number, a mail address or a user id.

        Raises:
            UnknownSender: there is no such user, or the token belongs to another user.
        """
        user: User | None = None
        try:
            if "@" in written:
                user = self._directory.by_address(mailbox(written))
            elif written.startswith("+"):
                user = self._directory.by_address(Address(kind="sms", value=written))
            else:
                user = self._directory.user(written)
        except XswarmError:
            user = None
        if user is None or not caller.may_act_for(user.id):
            raise UnknownSender(written)
        return user


def _channel_of(sender: str) -> str:
    """Return the channel by which a sender most likely wrote."""
    if "@" in sender:
        return "email"
    return "sms" if sender.startswith("+") else "api"
