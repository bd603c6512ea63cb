"""The mail channel: receives by LMTP and sends by SMTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from channels.mail.config import MailConfig
from channels.mail.incoming.inbox import Inbox
from channels.mail.incoming.receiver import Receiver
from channels.mail.message_ids import message_id
from channels.mail.outgoing.compose import compose
from channels.mail.outgoing.delivery import Submission
from supervisor.protocol.messages import NotSent, Outbound, Reconciled, Sent
from supervisor.protocol.ports.channel import Channel, ChannelHost, composing

logger = logging.getLogger(__name__)

NAME = "mail"


class MailChannel(Channel):
    """Mail to and from one address of ours.

    Args:
        password: for the login at the SMTP server; None = no login.

    Attributes:
        lmtp_address: the address of the LMTP server, `host:port` or a path; None = `run` does not serve yet.
    """

    name = NAME

    def __init__(self, config: MailConfig, host: ChannelHost, password: str | None) -> None:
        self._config = config
        self._submission = Submission(config, password)
        self._inbox = Inbox(
            config, Receiver(config, host).receive, host.comes_from_agent, host.dropped, host.about_port
        )
        self.lmtp_address: str | None = None

    async def send(self, outbound: Outbound) -> Sent:
        with composing(outbound.id):
            mail = compose(outbound, self._config)
            raw = mail.as_bytes(policy=mail.policy)
        await self._submission.submit(raw, outbound.to.value)
        return Sent(provider_id=message_id(outbound.id, self._config.domain))

    async def reconcile(self, outbound: Outbound) -> Reconciled:
        """Return NotSent, so that the core sends the mail again.

        SMTP cannot tell what happened to a mail. The second copy has the same Message-ID, by which mail programs
        deduplicate. A lost answer would be worse than a duplicate.
        """
        return NotSent()

    async def run(self, ready: Callable[[], None]) -> None:
        async with self._inbox.listening() as self.lmtp_address:
            logger.info("mail for %s is received at %s", self._config.mailbox, self.lmtp_address)
            ready()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.lmtp_address = None
