"""Tries the channel out before there is a daemon: sets the webhook at Twilio, sends a text and waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from channels.sms.config import SmsConfig
from channels.sms.receiver import to_e164
from channels.sms.twilio.api import TwilioApi, open_api
from channels.sms.twilio.clock import TwilioClock
from channels.sms.twilio.failures import undelivered_reason
from channels.sms.webhooks import TEXT_PATH
from supervisor.protocol.errors import DeliveryFailure
from supervisor.protocol.ports.checks import Check, Standing, Trial

TOKEN = "TWILIO_AUTH_TOKEN"  # noqa: S105  # the name of the secret

PATIENCE_SECONDS = 60.0
"""How long a text may take until Twilio says that it was delivered, in seconds."""

POLL_SECONDS = 1.0

WEBHOOK, TEXT = "Twilio's webhook", "test text"


async def try_out(config: SmsConfig, trial: Trial, *, patience: float = PATIENCE_SECONDS) -> AsyncIterator[Check]:
    """Set the webhook of our number, send a text, and wait until it was delivered.

    Args:
        patience: see `PATIENCE_SECONDS`.

    Raises:
        ConfigError: the secret TWILIO_AUTH_TOKEN is not set.
    """
    number = to_e164(trial.to)
    if number is None:
        detail = f"{trial.to} is no phone number"
        yield Check(name=TEXT, status=Standing.FAILED, detail=detail, remedy="write it as +15551234567")
        return
    token, clock = trial.secret(TOKEN), TwilioClock(time.time)
    async with open_api(account_sid=config.account_sid, token=token, origin=config.api_url, clock=clock) as api:
        webhook = await _set_webhook(api, config, trial.public_url)
        yield webhook
        if webhook.status is not Standing.FAILED:
            yield await _send(api, config, number, trial.code, patience)


async def _set_webhook(api: TwilioApi, config: SmsConfig, public_url: str) -> Check:
    url = public_url.rstrip("/") + TEXT_PATH
    if not config.from_number:
        detail = "a messaging service has its own webhook, which was left as it is"
        return Check(
            name=WEBHOOK, status=Standing.WARNING, detail=detail, remedy=f"set it to {url} in Twilio's console"
        )
    try:
        is_ours = await api.set_webhook(config.from_number, url)
    except DeliveryFailure as failure:
        remedy = "compare account_sid and TWILIO_AUTH_TOKEN with Twilio's console"
        return Check(name=WEBHOOK, status=Standing.FAILED, detail=str(failure), remedy=remedy)
    if not is_ours:
        detail = f"the account has no number {config.from_number}"
        remedy = "set channels.sms.from_number to a number of this account"
        return Check(name=WEBHOOK, status=Standing.FAILED, detail=detail, remedy=remedy)
    return Check(name=WEBHOOK, status=Standing.OK, detail=f"Twilio hands texts to {config.from_number} to {url}")


async def _send(api: TwilioApi, config: SmsConfig, number: str, code: str, patience: float) -> Check:
    try:
        message = await api.send(
            to=number,
            body=f"xswarm is set up: texts reach you. {code}",
            sender="" if config.messaging_service_sid else config.from_number,
            service_sid=config.messaging_service_sid,
            status_callback="",
        )
        async with asyncio.timeout(patience):
            while message.status not in ("delivered", "undelivered", "failed"):
                await asyncio.sleep(min(POLL_SECONDS, patience / 10))
                message = await api.fetch(message.sid)
    except TimeoutError:
        detail = f"after {patience:.0f} s Twilio still says {message.status!r} of the text to {number}"
        return Check(name=TEXT, status=Standing.WARNING, detail=detail, remedy="look whether it arrived")
    except DeliveryFailure as failure:
        return Check(name=TEXT, status=Standing.FAILED, detail=f"the text to {number} was not sent: {failure}")
    if message.status != "delivered":
        detail = f"the text to {number} did not arrive: {undelivered_reason(message.error_code)}"
        remedy = f"https://www.twilio.com/docs/api/errors/{message.error_code}"
        return Check(name=TEXT, status=Standing.FAILED, detail=detail, remedy=remedy)
    return Check(name=TEXT, status=Standing.OK, detail=f"a text to {number} arrived")
