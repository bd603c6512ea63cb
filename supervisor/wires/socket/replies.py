"""Replies to texts and mails that came by the socket, and the connections that they are written to."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from supervisor.protocol.events import AnyEvent, SendEmailResponse, SendSmsResponse
from supervisor.protocol.messages import MessageId
from supervisor.protocol.requests import EmailReceived, SmsReceived
from supervisor.wires.socket.client import Client
from supervisor.wires.socket.outgoing import ClientGone

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters except tab and line feed; no phone shows them."""

_ANSWERED = re.compile(r"^\s*re\s*:", re.IGNORECASE)


def meta_of(request: SmsReceived | EmailReceived) -> dict[str, Any]:
    """Return the fields of a message that are stored to build its reply, possibly after a restart of the daemon."""
    meta = {"type": request.type, "to": request.from_, "user": request.user}
    if isinstance(request, EmailReceived):
        answered = _ANSWERED.match(request.subject)
        meta["subject"] = request.subject if answered else f"Re: {request.subject}".rstrip()
    if request.request_id is not None:
        meta["request_id"] = request.request_id
    return meta


def reply_to(meta: Mapping[str, Any], text: str, message_id: str) -> SendSmsResponse | SendEmailResponse:
    """Return the reply to a message, from its stored fields."""
    to, user = str(meta["to"]), str(meta["user"])
    if meta["type"] == "sms_received":
        return SendSmsResponse(to=to, message=_CONTROLS.sub("", text), user=user, message_id=message_id)
    return SendEmailResponse(to=to, subject=str(meta["subject"]), body=text, user=user, message_id=message_id)


@dataclass(slots=True, eq=False)
class ExpectedReply:
    """A request that waits for the reply to a message.

    Attributes:
        written: whether the reply was written to the connection of the request.
        done: set when the wait is over, with or without a reply.
    """

    client: Client
    request_id: str | None
    written: bool = False
    done: asyncio.Event = field(default_factory=asyncio.Event)


class ReplyRouter:
    """Knows the connections of each account and the requests whose replies are not written yet."""

    def __init__(self) -> None:
        self._clients: dict[str, dict[Client, None]] = defaultdict(dict)
        self._expected: dict[MessageId, list[ExpectedReply]] = {}
        self._released = False

    def attach(self, account: str, client: Client) -> None:
        """Add a connection of an account."""
        self._clients[account][client] = None

    def detach(self, account: str, client: Client) -> None:
        """Remove a connection; its requests wait no longer."""
        clients = self._clients[account]
        clients.pop(client, None)
        if not clients:
            del self._clients[account]
        for message_id, expected in list(self._expected.items()):
            for request in expected:
                if request.client is client:
                    request.done.set()
            self._keep(message_id, [request for request in expected if request.client is not client])

    def accounts(self) -> list[str]:
        """Return the accounts that have a connection."""
        return list(self._clients)

    def expect(self, account: str, message_id: MessageId, client: Client, request_id: str | None) -> ExpectedReply:
        """Register a request that waits for the reply to a message; its connection may already be closed."""
        expected = ExpectedReply(client, request_id)
        if self._released or client not in self._clients.get(account, ()):
            expected.done.set()
        else:
            self._expected.setdefault(message_id, []).append(expected)
        return expected

    async def deliver(self, account: str, message_id: MessageId, event: AnyEvent, request_id: str | None) -> bool:
        """Write a reply to every request that waits for it, or else to the newest connection of the account.

        Args:
            request_id: the id of the request that brought the message, for another connection.

        Returns:
            Whether the reply was written.
        """
        waiting = self._expected.get(message_id, [])
        written = [request for request in list(waiting) if await _written(request.client, event, request.request_id)]
        for request in written:
            request.written = True
            request.done.set()
        self._keep(message_id, [request for request in self._expected.get(message_id, []) if request not in written])
        if written:
            return True
        return await self._write(event, request_id, reversed(list(self._clients.get(account, ()))))

    async def notify(self, account: str, _message_id: MessageId, event: AnyEvent, request_id: str | None) -> bool:
        """Write a notice to the newest connection of the account that asked for notices; if none did, it is dropped.

        Returns:
            Whether the notice was written or dropped; False = no connection of the account is open.
        """
        clients = list(self._clients.get(account, ()))
        asked = [client for client in reversed(clients) if client.notices]
        return bool(clients) and (not asked or await self._write(event, request_id, asked))

    @staticmethod
    async def _write(event: AnyEvent, request_id: str | None, clients: Iterable[Client]) -> bool:
        for client in clients:
            if await _written(client, event, request_id):
                return True
        return False

    def release(self) -> None:
        """End all waits: the daemon stops, and the replies are delivered after its next start."""
        self._released = True
        for expected in self._expected.values():
            for request in expected:
                request.done.set()

    def _keep(self, message_id: MessageId, expected: list[ExpectedReply]) -> None:
        if expected:
            self._expected[message_id] = expected
        else:
            self._expected.pop(message_id, None)


async def _written(client: Client, event: AnyEvent, request_id: str | None) -> bool:
    try:
        await client.write(event, request_id)
    except ClientGone:
        return False
    return True
