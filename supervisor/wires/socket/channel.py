"""The channel by which the outbox delivers replies to services behind the socket."""

from __future__ import annotations

from supervisor.delivery.replies import reply_id
from supervisor.protocol.errors import TemporaryFailure
from supervisor.protocol.messages import MessageId, NotSent, Outbound, Reconciled, Sent
from supervisor.protocol.ports import Channel, composing
from supervisor.wires.socket.dispatch import CHANNEL
from supervisor.wires.socket.replies import reply_to
from supervisor.wires.socket.server import SocketServer


class SocketChannel(Channel):
    """Writes replies to texts and mails to the service that handed them over; the service delivers them.

    A reply counts as sent when it is written to a connection of the service.
    """

    name = CHANNEL

    def __init__(self, server: SocketServer) -> None:
        self._replies = server.replies

    async def send(self, outbound: Outbound) -> Sent:
        message_id, request_id = outbound.message_id, outbound.meta.get("request_id")
        if message_id is None or outbound.id != reply_id(message_id):
            # A question or a notice is not the reply that the request waits for; it has its own id.
            message_id, request_id = MessageId(outbound.id), None
        with composing(outbound.id):
            event = reply_to(outbound.meta, outbound.text, message_id)
        if not await self._replies.deliver(outbound.to.value, message_id, event, request_id):
            raise TemporaryFailure("no connection of its token is open", parked=True)
        return Sent(provider_id=outbound.id)

    async def reconcile(self, outbound: Outbound) -> Reconciled:
        return (
            NotSent()
        )  # the connection ended with the daemon; the client recognises a repeated reply by its message_id
