"""The entry of the SMS channel: its table in config.toml, and how the channel is built from it."""

from __future__ import annotations

from contextlib import suppress

from channels.sms.channel import SmsChannel
from channels.sms.config import SmsConfig
from channels.sms.trial import try_out
from channels.sms.twilio.signature import Signatures
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.ports.channel import ChannelHost
from supervisor.protocol.ports.plugin import ChannelPlugin

TOKEN = "TWILIO_AUTH_TOKEN"  # noqa: S105  # the name of the secret
PREVIOUS_TOKEN = "TWILIO_AUTH_TOKEN_PREVIOUS"  # noqa: S105
"""The name of the old token during a change of tokens. Webhooks that are signed with it are still accepted."""


def build(config: SmsConfig, host: ChannelHost) -> SmsChannel:
    """Build the channel.

    Raises:
        ConfigError: `http.public_url` or the secret TWILIO_AUTH_TOKEN is missing, so signatures cannot be verified.
    """
    if not host.public_url:
        raise ConfigError(
            "http.public_url",
            "must be set for text messages: Twilio signs the address that it calls",
            "set it to the address under which Twilio reaches this server, as https://xswarm.example.org",
        )
    tokens = [host.secret(TOKEN)]
    with suppress(ConfigError):  # it is set only during a change of tokens
        tokens.append(host.secret(PREVIOUS_TOKEN))
    try:
        Signatures(tokens, host.public_url)
    except ValueError as error:
        raise ConfigError("http.public_url", "must be an http or https URL", "as https://xswarm.example.org") from error
    return SmsChannel(config, host, tokens=tokens, status_key=host.generated_secret("twilio-status"))


PLUGIN = ChannelPlugin(name="sms", config=SmsConfig, build=build, try_out=try_out)
