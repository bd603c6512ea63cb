"""The contract of channels, for each channel."""

from __future__ import annotations

import pkgutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

import channels
from channels.mail.plugin import PLUGIN as MAIL
from channels.sms.plugin import PLUGIN as SMS
from supervisor import config
from supervisor.demo.mailbox import MailboxStandIn
from supervisor.demo.twilio import Failure, TwilioStandIn
from supervisor.protocol.messages import Address
from tests.channels.contract import Backend, BackendFactory, ChannelContract
from tests.channels.hosts import RecordingHost

ACCOUNT = "AC" + "0" * 32
PUBLIC_URL = "http://127.0.0.1:9"


@asynccontextmanager
async def sms() -> AsyncIterator[Backend]:
    async with AsyncExitStack() as stack:
        twilio = await stack.enter_async_context(TwilioStandIn(ACCOUNT, "the token", progress_seconds=0))
        table = {"account_sid": ACCOUNT, "from_number": twilio.number, "api_url": twilio.url}
        host = RecordingHost(public_url=PUBLIC_URL, secrets={"TWILIO_AUTH_TOKEN": "the token"})
        yield Backend(
            plugin=SMS,
            table=table,
            channel=SMS.build(config.parse(SMS.config, table, "channels.sms"), host),
            host=host,
            to=Address(kind="sms", value="+15551234567"),
            arrived=lambda: [message.body for message in twilio.messages if message.outgoing],
            lose_answer=lambda: twilio.fail_next(Failure.ACCEPT_THEN_500),
            stop=stack.aclose,
        )


@asynccontextmanager
async def mail() -> AsyncIterator[Backend]:
    async with AsyncExitStack() as stack:
        mailbox = await stack.enter_async_context(MailboxStandIn())
        table = {
            "address": "bot@example.org",
            "trusted_authserv_id": "mx.example.org",
            "smtp": {"host": mailbox.host, "port": mailbox.port, "tls": "none"},
            "lmtp": {"host": "127.0.0.1", "port": 0},
        }
        host = RecordingHost()

        def lose_answer() -> None:
            mailbox.trouble.drop_after_data = True

        yield Backend(
            plugin=MAIL,
            table=table,
            channel=MAIL.build(config.parse(MAIL.config, table, "channels.mail"), host),
            host=host,
            to=Address(kind="mail", value="admin@example.org"),
            arrived=lambda: [mail.text for mail in mailbox.messages],
            lose_answer=lose_answer,
            stop=stack.aclose,
        )


BACKENDS: Mapping[str, BackendFactory] = {"mail": mail, "sms": sms}


def test_every_channel_is_under_the_contract() -> None:
    assert set(BACKENDS) == {found.name for found in pkgutil.iter_modules(channels.__path__)}


class TestChannels(ChannelContract):
    @pytest.fixture(params=sorted(BACKENDS))
    async def backend(self, request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
        async with BACKENDS[request.param]() as backend:
            yield backend
