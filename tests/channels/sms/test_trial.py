"""The trial of the SMS channel against the stand-in for Twilio: each step says what it did, or what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from channels.sms.config import SmsConfig
from channels.sms.trial import try_out
from supervisor.demo.twilio import Failure, TwilioStandIn
from supervisor.protocol.ports.checks import Check, Standing, Trial
from tests.channels.sms.fixtures import ACCOUNT, OUR_NUMBER, PERSON, SERVICE, TOKEN

PUBLIC = "https://xswarm.example.org/"
HOOK = "https://xswarm.example.org/webhooks/twilio/sms"


def stand_in(**more: Any) -> TwilioStandIn:
    return TwilioStandIn(ACCOUNT, TOKEN, number=OUR_NUMBER, **{"progress_seconds": 0.01, **more})


async def tried(
    twilio: TwilioStandIn,
    to: str = PERSON,
    *,
    token: str = TOKEN,
    patience: float = 20.0,
    settings: Mapping[str, str] | None = None,
) -> list[Check]:
    """Return the checks of a trial."""
    table: dict[str, Any] = {
        "account_sid": ACCOUNT,
        "from_number": OUR_NUMBER,
        "api_url": twilio.url,
        **(settings or {}),
    }
    trial = Trial(to=to, public_url=PUBLIC, code="123456", secret=lambda name: token, confirmed=lambda: False)
    return [check async for check in try_out(SmsConfig(**table), trial, patience=patience)]


async def test_the_webhook_is_set_and_a_text_arrives() -> None:
    async with stand_in() as twilio:
        checks = await tried(twilio)
        assert [check.status for check in checks] == [Standing.OK, Standing.OK]
        assert twilio.webhook_url == HOOK
        (message,) = twilio.messages
        assert (message.to, message.status, "123456" in message.body) == (PERSON, "delivered", True)


async def test_a_wrong_token_ends_the_trial_with_what_to_compare() -> None:
    async with stand_in() as twilio:
        (check,) = await tried(twilio, token="0" * 32)
        assert check.status is Standing.FAILED
        assert "TWILIO_AUTH_TOKEN" in check.remedy
        assert "0" * 32 not in check.detail + check.remedy
        assert twilio.messages == []


async def test_a_number_of_another_account_is_named() -> None:
    async with stand_in() as twilio:
        (check,) = await tried(twilio, settings={"from_number": "+15005550111"})
        assert (check.status, "+15005550111" in check.detail) == (Standing.FAILED, True)


async def test_a_text_that_was_not_delivered_is_a_failure_with_the_reason() -> None:
    async with stand_in() as twilio:
        *_, check = await tried(twilio, "+15005550009")
        assert (check.name, check.status) == ("test text", Standing.FAILED)


async def test_a_send_that_fails_is_a_failure() -> None:
    async with stand_in() as twilio:
        twilio.fail_next(Failure.ERROR_500)
        *_, check = await tried(twilio)
        assert (check.name, check.status) == ("test text", Standing.FAILED)


async def test_a_text_that_stays_under_way_is_a_warning() -> None:
    async with stand_in(progress_seconds=60.0) as twilio:
        *_, check = await tried(twilio, patience=0.05)
        assert (check.status, "still says" in check.detail) == (Standing.WARNING, True)


async def test_a_messaging_services_webhook_is_left_alone() -> None:
    async with stand_in() as twilio:
        webhook, text = await tried(twilio, settings={"from_number": "", "messaging_service_sid": SERVICE})
        assert (webhook.status, HOOK in webhook.remedy, text.status) == (Standing.WARNING, True, Standing.OK)
        assert twilio.webhook_url == ""


@pytest.mark.parametrize("to", ["12345", "alice"])
async def test_what_is_no_number_gets_no_text(to: str) -> None:
    async with stand_in() as twilio:
        (check,) = await tried(twilio, to)
        assert (check.status, twilio.messages) == (Standing.FAILED, [])
