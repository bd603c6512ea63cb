"""Maps each request of the socket to an operation, and the result to the event that answers the request."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from supervisor.commands.reading import words
from supervisor.delivery import views
from supervisor.operations.approvals import ApprovalOperations
from supervisor.operations.operations import Operations
from supervisor.operations.work_request import WorkRequest
from supervisor.people.addresses import mailbox, phone
from supervisor.people.identity import Caller, Directory
from supervisor.protocol import events, requests
from supervisor.protocol.errors import InvalidMessage, SessionNotFound, UserNotFound, XswarmError
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import (
    FOR_ALL,
    Address,
    MessageId,
    Reply,
    SessionId,
    has_subject_mark,
    plain_subject,
)
from supervisor.protocol.status import Target
from supervisor.protocol.times import Clock, now_ms, rfc3339
from supervisor.store.records.accounts import User
from supervisor.store.records.result import Result
from supervisor.wires.socket.client import Client
from supervisor.wires.socket.outgoing import ClientGone
from supervisor.wires.socket.replies import ReplyRouter, meta_of, reply_to

CHANNEL = "socket"
"""The channel of prompts and messages from this socket, and of the replies that leave by it."""

TOPICS = "must be session:<id>, user:<id>, sessions, costs, approvals or agents"
QUESTIONS = "approvals"

AnyReceived = requests.SmsReceived | requests.EmailReceived


class RequestDispatcher:
    """Carries out requests by the operations of the daemon; it keeps no state of its own.

    Args:
        ack_after: after this time a text or mail without a reply is acknowledged, in seconds; 0 = never.
    """

    def __init__(
        self,
        *,
        operations: Operations,
        approval_operations: ApprovalOperations,
        directory: Directory,
        replies: ReplyRouter,
        ack_after: float,
        clock: Clock = now_ms,
    ) -> None:
        self._operations = operations
        self._approval_operations = approval_operations
        self._directory = directory
        self._replies = replies
        self._ack_after = ack_after
        self._clock = clock

    async def answer(self, request: requests.AnyRequest, caller: Caller, client: Client) -> events.AnyEvent | None:
        """Carry out a request and return its answer; None = it is written, or the reply router writes it.

        Raises:
            XswarmError: the request was refused, or it failed.
        """
        match request:
            case requests.ClaudeCodeMessage():
                return await self._prompt(request, caller, client)
            case requests.Message():
                return await self._message(request, caller, client)
            case requests.SmsReceived() | requests.EmailReceived():
                return await self._received(request, caller, client)
            case requests.ClaudeCodeConnect(session_id=session_id):
                async with client.order.session(SessionId(session_id)):
                    return await self._operations.sessions.connect(
                        caller, SessionId(session_id), request.project_path, request.user_id
                    )
            case requests.ClaudeCodeDisconnect(session_id=session_id):
                async with client.order.session(SessionId(session_id)):
                    return await self._operations.sessions.disconnect(caller, SessionId(session_id))
            case requests.ClaudeCodeInterrupt(session_id=session_id):
                async with client.order.session(SessionId(session_id)):
                    return await self._operations.sessions.interrupt(caller, SessionId(session_id))
            case requests.GetSessionStatus(session_id=session_id):
                return await self._operations.queries.status(caller, SessionId(session_id))
            case requests.ListSessions():
                return await self._list(request, caller)
            case requests.GetCost():
                return await self._cost(request, caller)
            case requests.GetHistory():
                return await self._history(request, caller)
            case requests.Subscribe():
                return await self._subscribe(request, caller, client)
            case requests.Unsubscribe(topics=topics):
                return self._unsubscribe(topics, client)
            case requests.ResolveApproval():
                return await self._resolve(request, caller, client)
            case requests.Ping():
                return events.Pong()
            case requests.Auth():
                raise AssertionError("the connection itself answers auth")

    # -- messages

    async def _prompt(
        self, request: requests.ClaudeCodeMessage, caller: Caller, client: Client
    ) -> events.ClaudeCodeResponse:
        session_id = SessionId(request.session_id)
        asked = _asked(request, caller, CHANNEL, session_id, request.message, request.context)
        async with client.order.session(session_id), client.order.accepting:
            taken = await self._operations.messages.send(
                asked, session_id, request.message, request.context, request.mode
            )
        result = await self._operations.messages.answer(taken)
        return events.ClaudeCodeResponse(
            session_id=session_id,
            message_id=result.turn.message_id,
            content=result.answer,
            cost_usd=views.cost_usd(result),
            timestamp=_ended(result),
            usage=views.usage(result.tokens),
            duration_ms=result.duration_ms,
            stop_reason=result.stop_reason,
        )

    async def _message(self, request: requests.Message, caller: Caller, client: Client) -> events.MessageResponse:
        user = self._operations.queries.user(caller, request.user_id)
        if words.answers_question(request.message):
            await client.refuse_agents()
        asked = _asked(request, caller, CHANNEL, request.user_id, request.message, request.thread)
        async with client.order.accepting:
            taken = await self._operations.messages.route(asked, user, request.message, thread=request.thread or "")
        result = await self._operations.messages.answer(taken)
        return events.MessageResponse(
            target="claude_code" if result.turn.target is Target.CLAUDE_CODE else "assistant",
            reason=result.turn.reason,
            session_id=result.turn.session_id,
            message_id=result.turn.message_id,
            content=result.answer,
            cost_usd=views.cost_usd(result),
            timestamp=_ended(result),
        )

    async def _received(self, request: AnyReceived, caller: Caller, client: Client) -> events.AnyEvent | None:
        """Accept a text or mail; the outbox delivers the reply, to this connection if it is still open."""
        came = asyncio.get_running_loop().time()
        user = self._sender(request, caller)
        if any(words.parse(part) is not None for part in _written(request)):
            await client.refuse_agents()  # it could decide approvals in the name of a user
        reply = Reply(
            channel=CHANNEL,
            to=Address(kind=CHANNEL, value=caller.account),
            account=request.to,
            meta={**meta_of(request), FOR_ALL: caller.user_id is None},
        )
        async with client.order.accepting:
            if isinstance(request, requests.SmsReceived):
                asked = _asked(request, caller, "sms", request.from_, request.message)
                taken = await self._operations.messages.route(asked, user, request.message, reply=reply)
            else:
                asked = _asked(request, caller, "mail", request.from_, request.subject, request.body)
                thread = await self._thread(request, caller)
                taken = await self._operations.messages.route(
                    asked, user, request.body, subject=_subject(request), thread=thread, reply=reply
                )
        message_id = taken.accepted.message_id
        if taken.accepted.duplicate:
            first = await self._operations.queries.reply(caller, message_id)
            if first is not None:
                return reply_to(first.meta, first.text, message_id)
        if taken.joined:  # the message steers the running turn, whose answer covers it
            return self._acknowledged(request, message_id)
        # There was no await since the message was accepted, so its reply cannot leave before it is expected here.
        expected = self._replies.expect(caller.account, message_id, client, request.request_id)
        self._operations.messages.start(taken)
        if not self._ack_after:
            return None
        try:
            async with asyncio.timeout_at(came + self._ack_after):
                await expected.done.wait()
        except TimeoutError:
            pass
        return None if expected.written else self._acknowledged(request, message_id)

    def _acknowledged(self, request: AnyReceived, message_id: MessageId) -> events.MessageAcknowledged:
        return events.MessageAcknowledged(
            message_type="sms" if isinstance(request, requests.SmsReceived) else "email",
            user=request.user,
            timestamp=rfc3339(self._clock()),
            message_id=message_id,
        )

    def _sender(self, request: AnyReceived, caller: Caller) -> User:
        """Return the user who wrote: the user in the request, or else the owner of the address.

        Raises:
            UserNotFound: there is no such user, or the token belongs to another user.
        """
        try:
            return self._operations.queries.user(caller, request.user)
        except UserNotFound:
            parse = phone if isinstance(request, requests.SmsReceived) else mailbox
            try:
                user = self._directory.by_address(parse(request.from_))
            except InvalidMessage:
                user = None
            if user is None or not caller.may_act_for(user.id):
                raise
            return user

    async def _thread(self, request: requests.EmailReceived, caller: Caller) -> str:
        """Return the thread of a mail: the thread of the mail or reply that it answers, or else a new one."""
        if not request.in_reply_to:
            return f"email:{request.external_id or uuid7()}"
        earlier = await self._operations.messages.earlier(caller, "mail", request.in_reply_to)
        if earlier is not None and earlier.turn.thread:
            return earlier.turn.thread
        return f"email:{request.in_reply_to}"

    # -- queries and approvals

    async def _list(self, request: requests.ListSessions, caller: Caller) -> events.Sessions:
        found = await self._operations.queries.list_sessions(
            caller, request.user_id, active_only=request.active_only, limit=request.limit
        )
        return events.Sessions(sessions=[views.session_report(session) for session in found])

    async def _cost(self, request: requests.GetCost, caller: Caller) -> events.Cost:
        return await self._operations.queries.cost(
            caller,
            user_id=request.user_id,
            session_id=request.session_id,
            since=request.since,
            until=request.until,
            group_by=request.group_by,
            limit=request.limit,
        )

    async def _history(self, request: requests.GetHistory, caller: Caller) -> events.History:
        return await self._operations.queries.history(
            caller, SessionId(request.session_id), limit=request.limit, before=request.before
        )

    async def _resolve(
        self, request: requests.ResolveApproval, caller: Caller, client: Client
    ) -> events.ApprovalResolved:
        await client.refuse_agents()
        allow = request.decision == "allow"
        name, note = request.approval_id, request.note or ""
        approval = await self._approval_operations.resolve(caller, name, allow=allow, channel=CHANNEL, note=note)
        return events.ApprovalResolved(approval_id=approval.id, decision=request.decision)

    # -- subscriptions

    async def _subscribe(self, request: requests.Subscribe, caller: Caller, client: Client) -> events.Subscribed | None:
        """Subscribe; the questions that are open now follow the answer, for whoever subscribes to questions."""
        for topic in request.topics:
            kind, _, name = _topic("subscribe", topic)
            if kind == "session":
                await self._operations.queries.session(caller, SessionId(name))
            elif kind == "user":
                self._operations.queries.user(caller, name)
        subscribed = events.Subscribed(topics=client.subscribe(caller, request.topics))
        if QUESTIONS not in request.topics:
            return subscribed
        with suppress(ClientGone):
            await client.write(subscribed, request.request_id)
            for approval in await self._approval_operations.open(caller):
                await client.write(views.approval_requested(approval), None)
        return None

    async def closed_topics(self, caller: Caller, topics: Iterable[str]) -> set[str]:
        """Return the subscribed topics that a caller may no longer see, because a session is no longer shared."""
        closed = set()
        for topic in topics:
            kind, _, name = topic.partition(":")
            if kind == "session":
                try:
                    await self._operations.queries.session(caller, SessionId(name))
                except SessionNotFound:
                    closed.add(topic)
        return closed

    def _unsubscribe(self, topics: list[str], client: Client) -> events.Unsubscribed:
        for topic in topics:
            _topic("unsubscribe", topic)
        client.unsubscribe(topics)
        return events.Unsubscribed(topics=list(dict.fromkeys(topics)))


def refusal(error: XswarmError, request: requests.AnyRequest | None = None) -> events.Error:
    """Return the error event of a request."""
    session_id = getattr(request, "session_id", None)
    return events.Error(
        message=str(error),
        code=error.code,
        session_id=session_id if session_id is not None else events.OMIT,
        retry_after=error.retry_after if error.retry_after is not None else events.OMIT,
    )


def _asked(
    request: requests.ClaudeCodeMessage | requests.Message | AnyReceived, caller: Caller, channel: str, *said: Any
) -> WorkRequest:
    """Return the operation's request; its digest tells a repeated message from another one under the same id."""
    digest = ""
    if request.external_id is not None:
        digest = hashlib.sha256(json.dumps([request.type, *said], sort_keys=True).encode()).hexdigest()
    return WorkRequest(caller=caller, channel=channel, external_id=request.external_id, digest=digest)


def _written(request: AnyReceived) -> Sequence[str]:
    """Return the parts of a text or mail in which a command word can stand."""
    if isinstance(request, requests.SmsReceived):
        return (request.message,)
    return (request.body, plain_subject(request.subject))


def _subject(request: requests.EmailReceived) -> str:
    """Return the subject of a mail; empty = it repeats that of the mail that is answered."""
    return "" if request.in_reply_to and has_subject_mark(request.subject) else request.subject


def _topic(message: str, topic: str) -> tuple[str, str, str]:
    if re.fullmatch(requests.TOPIC, topic):
        return topic.partition(":")
    raise InvalidMessage(f"{message}.topics", f"{TOPICS}, not {topic[:80]!r}")


def _ended(result: Result) -> str:
    return rfc3339(result.ended_ms if result.ended_ms is not None else result.turn.accepted_ms)
