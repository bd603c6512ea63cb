"""The channel by which the outbox delivers replies to services behind the socket."""

from __future__ import annotations

from supervisor.delivery.replies import reply_id
from supervisor.protocol.errors import TemporaryFailure
from supervisor.protocol.messages import VERBATIM, MessageId, NotSent, Outbound, Reconciled, Sent
from supervisor.protocol.ports.channel import Channel, composing
from supervisor.wires.socket.dispatch import CHANNEL
from supervisor.wires.socket.replies import reply_to
from supervisor.wires.socket.server import SocketServer


class SocketChannel(Channel):
    """Writes replies to texts and mails to the service that handed them over; the service delivers them.

    A reply counts as sent when it is written to a connection of the service; a notice also where none of the open
    connections has asked for notices.
    """

    name = CHANNEL

    def __init__(self, server: SocketServer) -> None:
        self._replies = server.replies

    async def send(self, outbound: Outbound) -> Sent:
        message_id, request_id = outbound.message_id, outbound.meta.get("request_id")
        is_answer = message_id is not None and outbound.id == reply_id(message_id)
        if message_id is None or not is_answer:
            # A question or a notice is not the reply that the request waits for; it has its own id.
            message_id, request_id = MessageId(outbound.id), None
        with composing(outbound.id):
            event = reply_to(outbound.meta, outbound.text, message_id)
        # A question is no notice: without it, nobody could answer.
        is_notice = not is_answer and not outbound.meta.get(VERBATIM)
        deliver = self._replies.notify if is_notice else self._replies.deliver
        if not await deliver(outbound.to.value, message_id, event, request_id):
            raise TemporaryFailure("no connection of its token is open", parked=True)
        return Sent(provider_id=outbound.id)

    async def reconcile(self, outbound: Outbound) -> Reconciled:
        return (
            NotSent()
        )  # the connection ended with the daemon; the client recognises a repeated reply by its message_id
