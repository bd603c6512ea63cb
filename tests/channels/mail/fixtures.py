"""Helpers of the mail tests: a configuration, mails, and a running channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from channels.mail.channel import MailChannel
from channels.mail.config import LmtpConfig, MailConfig, SmtpConfig
from channels.mail.incoming.receiver import Receiver
from supervisor.protocol.messages import Inbound
from supervisor.protocol.ports.channel import ChannelHost
from tests.channels.hosts import RecordingHost
from tests.waiting import until

US = "bot@example.org"
AUTHSERV = "mx.example.org"
ADMIN = "admin@example.com"
PASSED = f"{AUTHSERV}; dmarc=pass header.from=example.com"


def config(**changes: Any) -> MailConfig:
    """Return a configuration that listens on a free port and sends to nobody."""
    values: dict[str, Any] = {
        "address": US,
        "trusted_authserv_id": AUTHSERV,
        "smtp": SmtpConfig(host="127.0.0.1", port=9, tls="none"),
        "lmtp": LmtpConfig(host="127.0.0.1", port=0),
    }
    return MailConfig(**values | changes)


def mail(*headers: tuple[str, str], body: str = "please build it", **changes: str | None) -> bytes:
    """Return a proven mail from the admin as bytes; `changes` replace headers by name, None leaves one out.

    Args:
        headers: more of them, below the others.
    """
    fields: dict[str, str | None] = {
        "Authentication-Results": PASSED,
        "From": f"Admin <{ADMIN}>",
        "To": US,
        "Subject": "build",
        "Message-ID": "<first@example.com>",
    }
    fields |= {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body.replace("\n", "\r\n") + "\r\n").encode()


async def received(*mails: bytes, host: RecordingHost | None = None, envelope_from: str = ADMIN) -> list[Inbound]:
    """Receive mails in order; returns what the host has accepted."""
    host = host or RecordingHost()
    receiver = Receiver(config(), host)
    for raw in mails:
        await receiver.receive(raw, envelope_from)
    return host.accepted


@asynccontextmanager
async def serving(host: ChannelHost, settings: MailConfig | None = None) -> AsyncIterator[tuple[MailChannel, str]]:
    """Run a mail channel; yields it with the address of its LMTP server."""
    channel = MailChannel(settings or config(), host, None)
    ready = asyncio.Event()
    task = asyncio.create_task(channel.run(ready.set), name="mail-channel")
    try:
        await until(lambda: ready.is_set() or task.done(), "the channel listens")
        if task.done():
            task.result()
        assert channel.lmtp_address is not None
        yield channel, channel.lmtp_address
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
