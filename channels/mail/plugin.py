"""The entry of the mail channel: its table in config.toml, and how the channel is built from it."""

from __future__ import annotations

from channels.mail.channel import NAME, MailChannel
from channels.mail.config import MailConfig
from channels.mail.trial import try_out
from supervisor.protocol.ports.channel import ChannelHost
from supervisor.protocol.ports.plugin import ChannelPlugin


def build(config: MailConfig, host: ChannelHost) -> MailChannel:
    """Build the channel.

    Raises:
        ConfigError: `smtp.username` is set, and the secret SMTP_PASSWORD is not.
    """
    return MailChannel(config, host, host.secret("SMTP_PASSWORD") if config.smtp.username else None)


PLUGIN = ChannelPlugin(name=NAME, config=MailConfig, build=build, try_out=try_out)
