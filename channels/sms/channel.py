"""The SMS channel: sends replies through Twilio's API, receives messages and reports by signed webhooks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from channels.sms.body.plain import is_markdown, readable
from channels.sms.body.shaping import TRIAL_PREFIX, Body, shape
from channels.sms.bounded import BoundedDict
from channels.sms.catchup import CatchUp
from channels.sms.config import SmsConfig
from channels.sms.receiver import Receiver
from channels.sms.reply_sids import ReplySids
from channels.sms.reports import PRICE_DELAYS, CallbackUrls, Reports
from channels.sms.twilio.api import REQUEST_SECONDS, TwilioApi, open_api
from channels.sms.twilio.clock import TwilioClock
from channels.sms.twilio.signature import Signatures
from channels.sms.webhooks import STATUS_PATH, Webhooks
from supervisor.protocol.errors import StorageError, TemporaryFailure
from supervisor.protocol.messages import NotSent, Outbound, OutboxId, Reconciled, Sent, Unknown
from supervisor.protocol.ports.channel import Channel, ChannelHost, composing
from supervisor.protocol.ports.web import Route

logger = logging.getLogger(__name__)

CLOCK_MARGIN = timedelta(seconds=5)
"""How inexact Twilio's time is as we know it: its replies give whole seconds, and its machines differ."""

CLOCK_CHANGE = 1.5
"""Seconds by which a difference of clocks must change before it is stored again: it is measured in whole seconds."""

AHEAD_MARK = "clock_ahead"
"""The name of the mark: how many milliseconds our clock is ahead of Twilio's, for sends that a restart cut off."""

POLLS = 2
"""The number of times that Twilio's list must not contain a message before it counts as not sent."""


@dataclass(slots=True)
class _Try:
    """A send whose outcome may be unknown.

    Attributes:
        since: its start, in seconds since 1970 UTC by our clock.
        moment: its start in this process; None = an earlier process made it.
        polls: the number of searches that did not find the message.
    """

    since: float
    moment: float | None = None
    polls: int = 0


class SmsChannel(Channel):
    """Text messages through one Twilio account.

    A reply is one body of at most `max_segments` segments and 1600 characters. A longer reply is cut: the body ends
    with "Reply MORE for the rest", and `Sent.note` is `more:<offset>`. The same text with `Outbound.meta["offset"]` set
    to this number gives the next part. The offset counts characters of the plain text, which is always the same for the
    same Markdown.

    Args:
        tokens: the auth tokens with which webhooks may be signed; requests use the first one.
        status_key: the key of the HMAC in the URLs of status callbacks.
        clock: returns seconds since 1970 UTC.
        request_seconds: the longest duration of one request to Twilio.
        price_delays: see `reports.PRICE_DELAYS`.
    """

    name = "sms"

    def __init__(
        self,
        config: SmsConfig,
        host: ChannelHost,
        *,
        tokens: Sequence[str],
        status_key: bytes,
        clock: Callable[[], float] = time.time,
        request_seconds: float = REQUEST_SECONDS,
        price_delays: Sequence[float] = PRICE_DELAYS,
    ) -> None:
        self._config = config
        self._host = host
        self._token = tokens[0]
        self._clock = clock
        self._request_seconds = request_seconds
        self._callbacks = CallbackUrls(host.public_url, STATUS_PATH, status_key)
        self._receiver = Receiver(host)
        self._reports = Reports(host, price_delays)
        self._assignments = ReplySids()
        self._tries: BoundedDict[OutboxId, _Try] = BoundedDict(10_000)
        self._webhooks = Webhooks(
            host, Signatures(tokens, host.public_url), self._callbacks, self._receiver, self._reports, self._assignments
        )
        self._catch_up = CatchUp(config, host, self._receiver, self._reports, clock)
        self._twilio_clock = TwilioClock(clock)
        self._was_ahead: float | None = None  # how far our clock was ahead in the process before this one
        self._api: TwilioApi | None = None

    def routes(self) -> Sequence[Route]:
        return self._webhooks.routes()

    async def run(self, ready: Callable[[], None]) -> None:
        config = self._config
        async with open_api(
            account_sid=config.account_sid,
            token=self._token,
            origin=config.api_url,
            clock=self._twilio_clock,
            request_seconds=self._request_seconds,
        ) as api:
            mark = await self._host.get_mark(AHEAD_MARK)
            self._was_ahead = mark / 1000 if mark is not None else None
            self._api = api
            try:
                ready()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._catch_up.run(api), name="sms: catch up")
                    tasks.create_task(self._reports.price_messages(api), name="sms: prices")
                    tasks.create_task(self._keep_ahead(), name="sms: clock")
            finally:
                self._api = None

    async def send(self, outbound: Outbound) -> Sent:
        api = self._running_api()
        with composing(outbound.id):
            body = await self._body(outbound)
            status_callback = self._callbacks.make(outbound.id)
        self._tries[outbound.id] = _Try(since=self._clock(), moment=self._twilio_clock.moment())
        message = await api.send(
            to=outbound.to.value,
            body=body.text,
            sender=self._sender(outbound),
            service_sid=self._config.messaging_service_sid,
            status_callback=status_callback,
        )
        self._tries.forget(outbound.id)
        self._assignments.assign(message.sid, outbound.id)
        return _sent(message.sid, message.segments, body, outbound)

    async def reconcile(self, outbound: Outbound) -> Reconciled:
        """Look for the message among the SIDs of callbacks, then in Twilio's list by recipient, body and time.

        A message counts as not sent after `POLLS` searches and `reconcile_after_seconds`, because the list may lag.

        Raises:
            TemporaryFailure: Twilio cannot be asked now.
            PermanentFailure: the body of the message cannot be composed, so it was not sent either.
        """
        if outbound.sending_since is None:
            return NotSent()
        with composing(outbound.id):
            body = await self._body(outbound)
        told = self._assignments.sid_of(outbound.id)
        if told is not None:
            return _sent(told, 0, body, outbound)
        api = self._running_api()
        attempt = self._tries.get(outbound.id)
        if attempt is None:
            attempt = self._tries[outbound.id] = _Try(since=outbound.sending_since / 1000)
        sid = await self._find(api, outbound, body, attempt)
        if sid is not None:
            self._tries.forget(outbound.id)
            self._assignments.assign(sid, outbound.id, is_guess=True)
            return _sent(sid, 0, body, outbound)
        attempt.polls += 1
        waited = self._clock() - attempt.since
        if waited < 0:  # the clock went back
            attempt.since, waited = self._clock(), 0.0
        if waited < self._config.reconcile_after_seconds or attempt.polls < POLLS:
            return Unknown()
        self._tries.forget(outbound.id)
        return NotSent()

    async def _find(self, api: TwilioApi, outbound: Outbound, body: Body, attempt: _Try) -> str | None:
        """Return the SID of the oldest message that a send may have left in Twilio's list; None = there is none.

        Times are whole seconds. Of messages of the same second, the last of the list is the oldest: it is newest first.

        Raises:
            TemporaryFailure: Twilio cannot be asked now.
        """
        matches: list[tuple[datetime, str]] = []
        async with aclosing(api.find(to=outbound.to.value, sender=self._sender(outbound))) as messages:
            async for message in messages:
                begun = self._begun(outbound, attempt) - CLOCK_MARGIN  # the first page has told Twilio's time
                # Compare the time of creation: a queued message has no time of sending.
                if message.created is None:
                    continue
                if message.created < begun - timedelta(hours=1):
                    break  # the list is newest first
                same_body = message.body in (body.text, TRIAL_PREFIX + body.text)
                if same_body and message.created >= begun and self._assignments.may_carry(message.sid, outbound.id):
                    matches.append((message.created, message.sid))
        return min(reversed(matches), key=itemgetter(0))[1] if matches else None

    def _begun(self, outbound: Outbound, attempt: _Try) -> datetime:
        """Return when the first send of unknown outcome began, by Twilio's clock."""
        since = (outbound.sending_since or 0) / 1000
        known = self._twilio_clock.at(attempt.moment) if attempt.moment is not None else None
        if known is not None:
            return known + timedelta(seconds=since - attempt.since)
        ahead = self._was_ahead if self._was_ahead is not None else self._twilio_clock.ahead
        return datetime.fromtimestamp(since - (ahead or 0.0), UTC)

    async def _keep_ahead(self) -> None:
        """Store how far our clock is ahead of Twilio's whenever that changes, until cancelled."""
        kept: float | None = None
        while True:
            ahead = await self._twilio_clock.heard()
            if kept is not None and abs(ahead - kept) <= CLOCK_CHANGE:
                continue
            try:
                await self._host.set_mark(AHEAD_MARK, round(ahead * 1000))
                kept = ahead
            except StorageError as error:
                logger.debug("sms: the difference of clocks is not stored: %s", error)

    def _running_api(self) -> TwilioApi:
        if self._api is None:
            raise TemporaryFailure("the SMS channel is not running")
        return self._api

    def _sender(self, outbound: Outbound) -> str:
        """Return the number to send from: the one that the user wrote to; empty = the messaging service chooses."""
        if self._config.messaging_service_sid:
            return ""
        return outbound.account or self._config.from_number

    async def _body(self, outbound: Outbound) -> Body:
        offset = outbound.meta.get("offset", 0)
        if not isinstance(offset, int) or offset < 0:
            raise AssertionError("the offset of a reply is a number from Sent.note")
        # The Markdown parser can take seconds for a hostile text, so a thread does it.
        plain = await asyncio.to_thread(readable, outbound) if is_markdown(outbound) else readable(outbound)
        return shape(plain, max_segments=self._config.max_segments, offset=offset)


def _sent(sid: str, segments: int, body: Body, outbound: Outbound) -> Sent:
    note = f"more:{body.next_offset}"
    if body.next_offset is None:
        note = "more:end" if outbound.meta.get("offset") else ""
    # With a messaging service, Twilio reports 0 segments until it has chosen a number.
    return Sent(provider_id=sid, segments=segments or body.segments, note=note)
