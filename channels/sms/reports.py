"""Status reports of sent messages: their states, the URL of the status callback, and the price.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from urllib.parse import parse_qs, urlencode

from channels.sms.bounded import BoundedDict
from channels.sms.twilio.api import Message, TwilioApi
from channels.sms.twilio.failures import undelivered_reason
from supervisor.protocol.errors import StorageError, TemporaryFailure
from supervisor.protocol.messages import Delivery, OutboxId
from supervisor.protocol.ports.channel import ChannelHost

logger = logging.getLogger(__name__)

PRICE_DELAYS = (5.0, 60.0, 600.0, 3600.0)
"""Pauses before each request for the price of a final message, in seconds. Twilio sets the price later."""

_STATES = {
    "accepted": "sent",
    "scheduled": "sent",
    "queued": "sent",
    "sending": "sent",
    "sent": "sent",
    "partially_delivered": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "undelivered",
    "canceled": "undelivered",
}
"""The state of a reply by Twilio's MessageStatus."""


def to_delivery(
    sid: str, status: str, error_code: str = "", *, outbox_id: OutboxId | None = None, price_nanos: int | None = None
) -> Delivery | None:
    """Return a delivery report for the core; None = the status is not one of a sent message."""
    state = _STATES.get(status)
    if state is None:
        return None
    error = undelivered_reason(error_code) if state == "undelivered" else ""
    return Delivery(outbox_id=outbox_id, provider_id=sid, state=state, error=error, price_nanos=price_nanos)


class CallbackUrls:
    """Makes and verifies the URLs of status callbacks.

    The URL names the reply, so a report identifies the reply even if the response to the send was lost. An HMAC proves
    that we made the URL.
    """

    def __init__(self, public_url: str, path: str, key: bytes) -> None:
        self._base = public_url + path
        self._key = key

    def make(self, outbox_id: OutboxId) -> str:
        """Return the callback URL of a reply."""
        return f"{self._base}?{urlencode({'ob': outbox_id, 's': self._mac(outbox_id)})}"

    def outbox_id(self, query: str) -> OutboxId | None:
        """Return the reply in the query of a callback; None = we did not make this URL."""
        try:
            fields = parse_qs(query, errors="strict", max_num_fields=10)
            outbox_id, given = fields["ob"][0], fields["s"][0].encode("ascii")
        except (ValueError, KeyError):
            return None
        return OutboxId(outbox_id) if hmac.compare_digest(self._mac(outbox_id).encode(), given) else None

    def _mac(self, outbox_id: str) -> str:
        return hmac.digest(self._key, outbox_id.encode(), "sha256").hex()


@dataclass(order=True, slots=True)
class _Due:
    """A price to ask for.

    Attributes:
        at: when, in seconds of the event loop's clock.
        tries: the number of requests so far.
    """

    at: float
    sid: str = field(compare=False)
    outbox_id: OutboxId | None = field(compare=False)
    tries: int = field(compare=False, default=0)


class Reports:
    """Passes reports on to the core, and asks for the price of messages in a final state.

    Args:
        delays: see `PRICE_DELAYS`.
    """

    def __init__(self, host: ChannelHost, delays: Sequence[float] = PRICE_DELAYS) -> None:
        self._host = host
        self._delays = delays
        self._due: list[_Due] = []
        self._wake = asyncio.Event()
        # The messages in a final state, and whether their price is reported.
        self._ended: BoundedDict[str, bool] = BoundedDict(10_000)
        self._pricing: set[str] = set()

    async def pass_on(self, delivery: Delivery) -> None:
        """Pass a report on to the core.

        Raises:
            StorageError: the report was not recorded.
        """
        await self._host.delivered(delivery)
        sid = delivery.provider_id
        if delivery.state == "sent" or self._ended.get(sid):
            return
        self._ended[sid] = delivery.price_nanos is not None
        if delivery.price_nanos is None:
            self._ask_later(_Due(self._now() + self._delays[0], sid, delivery.outbox_id))

    async def pass_on_listed(self, message: Message) -> None:
        """Report the final state of a message in Twilio's list to the core; other states are ignored.

        Raises:
            StorageError: the report was not recorded.
        """
        delivery = to_delivery(message.sid, message.status, message.error_code, price_nanos=message.price_nanos)
        if delivery is None or delivery.state == "sent":
            return
        if message.price_nanos is not None:
            await self._report_price(delivery)
        elif message.sid not in self._ended:
            await self._host.delivered(delivery)
            self._ended[message.sid] = bool(self._ended.get(message.sid))

    async def _report_price(self, delivery: Delivery) -> None:
        """Report a price to the core, unless it is known or just being reported: the list and a request may both tell.

        Raises:
            StorageError: the report was not recorded.
        """
        sid = delivery.provider_id
        if self._ended.get(sid) or sid in self._pricing:
            return
        self._pricing.add(sid)
        try:
            await self._host.delivered(delivery)
            self._ended[sid] = True
        finally:
            self._pricing.discard(sid)

    async def price_messages(self, api: TwilioApi) -> None:
        """Ask for prices when they are due, until cancelled."""
        while True:
            self._wake.clear()
            wait = self._due[0].at - self._now() if self._due else None
            if wait is None or wait > 0:
                try:
                    async with asyncio.timeout(wait):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                continue
            due = heappop(self._due)
            if not self._ended.get(due.sid) and not await self._price(api, due):
                due.tries += 1
                if due.tries < len(self._delays):
                    due.at = self._now() + self._delays[due.tries]
                    self._ask_later(due)

    async def _price(self, api: TwilioApi, due: _Due) -> bool:
        try:
            message = await api.fetch(due.sid)
            delivery = to_delivery(
                due.sid, message.status, message.error_code, outbox_id=due.outbox_id, price_nanos=message.price_nanos
            )
            if delivery is None or delivery.price_nanos is None:
                return False
            await self._report_price(delivery)
        except (TemporaryFailure, StorageError) as error:
            logger.debug("%s: its price is not known yet: %s", due.sid, error)
            return False
        return True

    def _ask_later(self, due: _Due) -> None:
        heappush(self._due, due)
        self._wake.set()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
