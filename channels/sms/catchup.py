"""Asks Twilio for what its webhooks did not bring: it tries each only once, and none while we are down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from channels.sms.api import Message, TwilioApi
from channels.sms.config import SmsConfig
from channels.sms.reports import Reports
from channels.sms.texts import Text, Texts
from supervisor.protocol.errors import StorageError, TemporaryFailure
from supervisor.protocol.ports import ChannelHost

logger = logging.getLogger(__name__)

MARK = "caught_up"
"""The mark's name: how far Twilio's list has been read, in milliseconds UTC."""

LOOK_BACK = timedelta(hours=2)
"""How far before the mark each poll begins: for clocks that differ, and a list that lags."""


class CatchUp:
    """Reads Twilio's list of messages at start and every `catch_up_seconds`.

    At the very first start it begins `LOOK_BACK` ago: who tried the number while it was being set up gets an answer.

    Args:
        clock: returns seconds since 1970 UTC.
    """

    def __init__(
        self, config: SmsConfig, host: ChannelHost, texts: Texts, reports: Reports, clock: Callable[[], float]
    ) -> None:
        self._config = config
        self._host = host
        self._texts = texts
        self._reports = reports
        self._clock = clock
        self._broken = False

    async def run(self, api: TwilioApi) -> None:
        """Poll for ever; a failure is logged when it begins and when it is over."""
        while True:
            try:
                await self.poll(api)
            except (TemporaryFailure, StorageError) as error:
                if not self._broken:
                    self._broken = True
                    logger.warning("sms: missed texts cannot be fetched for now: %s", error)
            else:
                if self._broken:
                    self._broken = False
                    logger.info("sms: missed texts are being fetched again")
            await asyncio.sleep(self._config.catch_up_seconds)

    async def poll(self, api: TwilioApi) -> None:
        """Hand in what came and report what became of ours since the mark; move the mark when all of it is stored.

        Raises:
            TemporaryFailure: Twilio cannot be asked now.
            StorageError: something was not stored.
        """
        begun = int(self._clock() * 1000)
        mark = await self._host.get_mark(MARK)
        since = datetime.fromtimestamp((begun if mark is None else min(mark, begun)) / 1000, UTC) - LOOK_BACK
        number = self._config.from_number
        received = [m async for m in api.find(to=number, since=since) if not m.outgoing and self._is_ours(m)]
        for message in reversed(received):  # the list is newest first; people are answered in their order
            await self._texts.take(
                Text(sid=message.sid, sender=message.sender, to=message.to, body=message.body, media=message.media)
            )
        for message in [m async for m in api.find(sender=number, since=since) if m.outgoing and self._is_ours(m)]:
            await self._reports.pass_on_listed(message)
        await self._host.set_mark(MARK, begun)

    def _is_ours(self, message: Message) -> bool:
        """Return whether it is a message of this channel; without a number of our own the list is the account's."""
        return bool(self._config.from_number) or message.service_sid == self._config.messaging_service_sid
