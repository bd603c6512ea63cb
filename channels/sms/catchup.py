"""Polls Twilio's list of messages for those whose webhook did not arrive, e.g. while the daemon was down.

Twilio tries a webhook once (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides). The list:
https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from channels.sms.config import SmsConfig
from channels.sms.receiver import Receiver, TextMessage
from channels.sms.reports import Reports
from channels.sms.twilio.api import Message, TwilioApi
from supervisor.protocol.errors import StorageError, TemporaryFailure
from supervisor.protocol.ports.channel import COPIED, ChannelHost, Unreachable

logger = logging.getLogger(__name__)

MARK = "caught_up"
"""The name of the mark: the time up to which the list has been read, in milliseconds since 1970 UTC."""

LOOK_BACK = timedelta(hours=2)
"""Each poll starts that long before the mark, because clocks differ and the list may lag."""


RESUMED = "resumed"
"""The name of the mark: when the first daemon on a copy of the database began to read the list, as `COPIED`."""

SECOND = timedelta(seconds=1)
"""Twilio's times have no fractions."""


class _Gap(NamedTuple):
    """The time between a backup and the start on its copy; `is_new`: nobody has told of its texts yet."""

    begin: datetime
    end: datetime
    is_new: bool


class CatchUp:
    """Polls Twilio's list at the start and then every `catch_up_seconds`.

    The first poll of all starts `LOOK_BACK` ago, so that messages from the time of the set-up get an answer.

    Args:
        clock: returns seconds since 1970 UTC.
    """

    def __init__(
        self, config: SmsConfig, host: ChannelHost, receiver: Receiver, reports: Reports, clock: Callable[[], float]
    ) -> None:
        self._config = config
        self._host = host
        self._receiver = receiver
        self._reports = reports
        self._clock = clock
        self._broken = False

    async def run(self, api: TwilioApi) -> None:
        """Poll until cancelled. A series of failures is logged at its start and at its end."""
        while True:
            try:
                is_ours = self._host.leads()
                if is_ours:
                    await self.poll(api)
                    self._host.tried(reached=True)
            except (TemporaryFailure, StorageError) as error:
                if isinstance(error, Unreachable):
                    self._host.tried(reached=False)
                if not self._broken:
                    self._broken = True
                    logger.warning("sms: missed texts cannot be fetched: %s", error)
            else:
                if self._broken and is_ours:
                    self._broken = False
                    logger.info("sms: missed texts can be fetched again")
            await asyncio.sleep(self._config.catch_up_seconds)

    async def poll(self, api: TwilioApi) -> None:
        """Hand in received messages and report on sent ones since the mark; then move the mark.

        Raises:
            TemporaryFailure: Twilio cannot be asked now.
            StorageError: something was not stored; the mark is not moved.
        """
        begun = int(self._clock() * 1000)
        mark = await self._host.get_mark(MARK)
        since = datetime.fromtimestamp((begun if mark is None else min(mark, begun)) / 1000, UTC) - LOOK_BACK
        number = self._config.from_number
        received = [m async for m in api.find(to=number, since=since) if not m.outgoing and self._is_ours(m)]
        unknown = await self._unknown_to_a_copy(begun)
        for message in reversed(received):  # the list is newest first; hand in the oldest first
            if unknown is None or message.created is None or not unknown.begin <= message.created < unknown.end:
                await self._receiver.receive(_to_text(message))
            elif unknown.is_new:
                await self._receiver.pass_over(_to_text(message))
        for message in [m async for m in api.find(sender=number, since=since) if m.outgoing and self._is_ours(m)]:
            await self._reports.pass_on_listed(message)
        await self._host.set_mark(MARK, begun)

    async def _unknown_to_a_copy(self, begun: int) -> _Gap | None:
        """Return the time in which another daemon took texts that this database does not know; None = it is no copy.

        What came in that time has been answered, and perhaps changed something: it does not run a second time.
        """
        copied = await self._host.get_mark(COPIED)
        if copied is None:
            return None
        resumed = await self._host.get_mark(RESUMED)
        is_new = resumed is None or resumed < copied
        if resumed is None or is_new:
            resumed = begun
            await self._host.set_mark(RESUMED, begun)
        begin, end = (datetime.fromtimestamp(moment / 1000, UTC) for moment in (copied, resumed))
        return _Gap(begin - SECOND, end, is_new)

    def _is_ours(self, message: Message) -> bool:
        """Return whether the message belongs to this channel. Without a number, the list is that of the account."""
        return bool(self._config.from_number) or message.service_sid == self._config.messaging_service_sid


def _to_text(message: Message) -> TextMessage:
    return TextMessage(sid=message.sid, sender=message.sender, to=message.to, body=message.body, media=message.media)
