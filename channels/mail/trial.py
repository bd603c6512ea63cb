"""Tries the channel out before there is a daemon: sends a mail, and asks the person for the code in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from channels.mail.config import MailConfig
from channels.mail.outgoing.compose import compose
from channels.mail.outgoing.delivery import Submission
from supervisor.protocol.errors import DeliveryFailure
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Address, Outbound, OutboxId
from supervisor.protocol.ports.checks import Check, Standing, Trial

PATIENCE_SECONDS = 20.0
"""The longest wait for one reply of the server, in seconds."""

SENT, ARRIVED = "test mail", "arrival of the test mail"


async def try_out(config: MailConfig, trial: Trial) -> AsyncIterator[Check]:
    """Send a mail, and wait until the person has read the code in it.

    Raises:
        ConfigError: `smtp.username` is set, and the secret SMTP_PASSWORD is not.
    """
    password = trial.secret("SMTP_PASSWORD") if config.smtp.username else None
    server = f"{config.smtp.host}:{config.smtp.port}"
    outbound = Outbound(
        id=OutboxId(uuid7()),
        channel="mail",
        account="",
        to=Address(kind="mail", value=trial.to),
        text=f"xswarm is set up: mails reach you. The code is {trial.code}.",
        meta={"subject": "xswarm"},
    )
    mail = compose(outbound, config)
    raw = mail.as_bytes(policy=mail.policy)
    try:
        await Submission(config, password, timeout=PATIENCE_SECONDS).submit(raw, trial.to)
    except DeliveryFailure as failure:
        remedy = "compare [channels.mail.smtp] and SMTP_PASSWORD with what your mail server wants"
        detail = f"{server} did not take the mail to {trial.to}: {failure}"
        yield Check(name=SENT, status=Standing.FAILED, detail=detail, remedy=remedy)
        return
    yield Check(name=SENT, status=Standing.OK, detail=f"{server} took a mail to {trial.to}")
    if await asyncio.to_thread(trial.confirmed):
        yield Check(name=ARRIVED, status=Standing.OK, detail="the code is right")
    else:
        remedy = "look into the folder for spam and into the log of your mail server; SPF and DKIM must name it"
        yield Check(name=ARRIVED, status=Standing.FAILED, detail="the code of the mail is another one", remedy=remedy)
