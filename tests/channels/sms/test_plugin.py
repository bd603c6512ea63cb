"""How the SMS channel is built, and which settings it requires."""

from __future__ import annotations

import pytest

from channels.sms.channel import SmsChannel
from channels.sms.config import SmsConfig
from channels.sms.plugin import PLUGIN
from supervisor.protocol.errors import ConfigError
from tests.channels.hosts import RecordingHost
from tests.channels.sms.fixtures import ACCOUNT, OUR_NUMBER, TOKEN, call, recording_host, signed, text_form

CONFIG = SmsConfig(account_sid=ACCOUNT, from_number=OUR_NUMBER)


def test_the_plugin_is_named_as_its_table() -> None:
    assert (PLUGIN.name, PLUGIN.config) == ("sms", SmsConfig)
    channel = PLUGIN.build(CONFIG, recording_host())
    assert isinstance(channel, SmsChannel)
    assert channel.name == "sms"


@pytest.mark.parametrize(
    ("host", "key"),
    [
        (RecordingHost(public_url="", secrets={"TWILIO_AUTH_TOKEN": TOKEN}), "http.public_url"),
        (RecordingHost(public_url="not a URL", secrets={"TWILIO_AUTH_TOKEN": TOKEN}), "http.public_url"),
        (RecordingHost(public_url="https://h.example"), "TWILIO_AUTH_TOKEN"),
    ],
)
def test_missing_settings_of_signatures_are_named(host: RecordingHost, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PLUGIN.build(CONFIG, host)
    assert caught.value.key == key
    assert caught.value.remedy
    assert TOKEN not in f"{caught.value!r} {caught.value} {caught.value.remedy}"


async def test_the_previous_token_still_signs_webhooks() -> None:
    host = recording_host(TWILIO_AUTH_TOKEN_PREVIOUS="the token before")
    channel = PLUGIN.build(CONFIG, host)
    response = await call(channel, signed(text_form(), token="the token before"))
    assert response.status == 200
    assert len(host.accepted) == 1
