"""Replies to texts and mails that came by the socket: who is connected to take them, and what each answers."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from supervisor.protocol.events import AnyEvent, SendEmailResponse, SendSmsResponse
from supervisor.protocol.messages import MessageId
from supervisor.protocol.requests import EmailReceived, SmsReceived
from supervisor.wires.socket.client import Client
from supervisor.wires.socket.outgoing import Gone

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters but the tab and the line feed: no phone shows them."""

_ANSWERED = re.compile(r"^\s*re\s*:", re.IGNORECASE)


def meta_of(request: SmsReceived | EmailReceived) -> dict[str, Any]:
    """Return what has to be kept of a message to build its answer later, perhaps by another start of the daemon."""
    meta = {"type": request.type, "to": request.from_, "user": request.user}
    if isinstance(request, EmailReceived):
        answered = _ANSWERED.match(request.subject)
        meta["subject"] = request.subject if answered else f"Re: {request.subject}".rstrip()
    if request.request_id is not None:
        meta["request_id"] = request.request_id
    return meta


def reply_to(meta: Mapping[str, Any], text: str, message_id: str) -> SendSmsResponse | SendEmailResponse:
    """Return the answer to a message, from what was kept of it."""
    to, user = str(meta["to"]), str(meta["user"])
    if meta["type"] == "sms_received":
        return SendSmsResponse(to=to, message=_CONTROLS.sub("", text), user=user, message_id=message_id)
    return SendEmailResponse(to=to, subject=str(meta["subject"]), body=text, user=user, message_id=message_id)


@dataclass(slots=True, eq=False)
class Expected:
    """A request that waits for the reply to a message.

    Attributes:
        written: the reply is written to the request's connection.
        over: set when there is nothing to wait for any more.
    """

    client: Client
    request_id: str | None
    written: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Replies:
    """The connections of each account, and the requests whose replies are not written yet."""

    def __init__(self) -> None:
        self._clients: dict[str, dict[Client, None]] = defaultdict(dict)
        self._expected: dict[MessageId, list[Expected]] = {}
        self._released = False

    def attach(self, account: str, client: Client) -> None:
        """Note that a connection of an account is there."""
        self._clients[account][client] = None

    def detach(self, account: str, client: Client) -> None:
        """Note that it is not any more."""
        clients = self._clients[account]
        clients.pop(client, None)
        if not clients:
            del self._clients[account]
        for message_id, expected in list(self._expected.items()):
            for one in expected:
                if one.client is client:
                    one.over.set()
            self._keep(message_id, [one for one in expected if one.client is not client])

    def expect(self, account: str, message_id: MessageId, client: Client, request_id: str | None) -> Expected:
        """Note that a request waits for the reply to a message; its connection may be gone already."""
        expected = Expected(client, request_id)
        if self._released or client not in self._clients.get(account, ()):
            expected.over.set()
        else:
            self._expected.setdefault(message_id, []).append(expected)
        return expected

    async def deliver(self, account: str, message_id: MessageId, event: AnyEvent, request_id: str | None) -> bool:
        """Write a reply to every request that waits for it, else to the account's newest connection.

        Args:
            request_id: of the request that brought the message, for a connection that did not.

        Returns:
            Whether it was written anywhere.
        """
        waiting = self._expected.get(message_id, [])
        written = [one for one in list(waiting) if await _written(one.client, event, one.request_id)]
        for one in written:
            one.written = True
            one.over.set()
        self._keep(message_id, [one for one in self._expected.get(message_id, []) if one not in written])
        if written:
            return True
        for client in reversed(list(self._clients.get(account, ()))):
            if await _written(client, event, request_id):
                return True
        return False

    def release(self) -> None:
        """Let nobody wait any longer: the daemon ends, and the replies leave after its next start."""
        self._released = True
        for expected in self._expected.values():
            for one in expected:
                one.over.set()

    def _keep(self, message_id: MessageId, expected: list[Expected]) -> None:
        if expected:
            self._expected[message_id] = expected
        else:
            self._expected.pop(message_id, None)


async def _written(client: Client, event: AnyEvent, request_id: str | None) -> bool:
    try:
        await client.write(event, request_id)
    except Gone:
        return False
    return True
