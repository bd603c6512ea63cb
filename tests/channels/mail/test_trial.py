"""The trial of the mail channel against a mail server: it waits until the person has read the code."""

from __future__ import annotations

import re

from channels.mail.config import MailConfig, SmtpConfig
from channels.mail.trial import try_out
from supervisor.demo.mailbox import MailboxStandIn
from supervisor.protocol.ports.checks import Check, Standing, Trial

TO = "alice@example.org"


async def tried(mailbox: MailboxStandIn, typed: str = "") -> list[Check]:
    """Return the checks of a trial whose person types what stands in the mail, or something else."""

    def confirmed() -> bool:
        found = re.search(r"The code is (\d+)", mailbox.messages[-1].text)
        return found is not None and (typed or found[1]) == "424242"

    smtp = SmtpConfig(host="127.0.0.1", port=mailbox.port, tls="none")
    config = MailConfig(address="xswarm@example.org", trusted_authserv_id="mx.example.org", smtp=smtp)
    trial = Trial(to=TO, public_url="", code="424242", secret=lambda name: "", confirmed=confirmed)
    return [check async for check in try_out(config, trial)]


async def test_a_mail_is_sent_and_its_code_confirms_that_it_arrived() -> None:
    async with MailboxStandIn() as mailbox:
        assert [check.status for check in await tried(mailbox)] == [Standing.OK, Standing.OK]
        assert mailbox.messages[0].envelope_to == (TO,)


async def test_another_code_means_that_it_did_not_arrive() -> None:
    async with MailboxStandIn() as mailbox:
        sent, arrived = await tried(mailbox, typed="0")
        assert (sent.status, arrived.status, "spam" in arrived.remedy) == (Standing.OK, Standing.FAILED, True)


async def test_a_server_that_cannot_be_reached_is_named(unused_tcp_port: int) -> None:
    (check,) = await tried(MailboxStandIn(port=unused_tcp_port))
    assert (check.status, f"127.0.0.1:{unused_tcp_port}" in check.detail) == (Standing.FAILED, True)
