"""The answer to a mail, as it leaves by SMTP."""

from __future__ import annotations

import pytest

from channels.mail.channel import MailChannel
from channels.mail.config import SmtpConfig
from supervisor.demo.mailbox import MailboxStandIn
from supervisor.protocol.errors import PermanentFailure
from supervisor.protocol.messages import Address, NotSent, Outbound, OutboxId
from tests.channels.hosts import RecordingHost
from tests.channels.mail.fixtures import US, config, mail, received
from tests.channels.mail.outgoing.test_compose import UNDECODABLE

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


async def test_an_answer_that_cannot_be_composed_is_a_permanent_failure() -> None:
    channel = MailChannel(config(), RecordingHost(), None)
    answer = Outbound(
        id=OutboxId(ID), channel="mail", account=US, to=Address(kind="mail", value="a(b@example.com"), text="", meta={}
    )
    with pytest.raises(PermanentFailure, match="cannot be composed"):
        await channel.send(answer)


@pytest.mark.parametrize(("subject", "answer"), [*UNDECODABLE, ("\udcd6\udcd0\udcce", "\ufffd\ufffd\ufffd")])
async def test_a_mail_whose_subject_cannot_be_decoded_is_answered(subject: str, answer: str) -> None:
    raw = mail().replace(b"Subject: build", b"Subject: " + subject.encode("ascii", "surrogateescape"))
    async with MailboxStandIn() as server:
        smtp = SmtpConfig(host="127.0.0.1", port=server.port, tls="none")
        (inbound,) = await received(raw)
        assert inbound.reply is not None
        reply = inbound.reply
        answering = Outbound(id=OutboxId(ID), channel="mail", account=US, to=reply.to, text="done", meta=reply.meta)
        await MailChannel(config(smtp=smtp), RecordingHost(), None).send(answering)
        (sent,) = server.messages
    assert sent.message["subject"] == f"Re: {answer}"


async def test_answer_leaves_with_a_message_id_that_finds_its_thread() -> None:
    async with MailboxStandIn() as server:
        channel = MailChannel(
            config(smtp=SmtpConfig(host="127.0.0.1", port=server.port, tls="none")), RecordingHost(), None
        )
        (inbound,) = await received(mail())
        assert inbound.reply is not None
        answer = Outbound(
            id=OutboxId(ID), channel="mail", account=US, to=inbound.reply.to, text="**done**", meta=inbound.reply.meta
        )
        result = await channel.send(answer)
        (sent,) = server.messages
    assert result.provider_id == sent.message["message-id"] == f"<{ID}@example.org>"
    assert sent.message["in-reply-to"] == "<first@example.com>"
    assert sent.message["subject"] == "Re: build"
    assert sent.text == "**done**"
    assert "<strong>done</strong>" in sent.html
    assert await channel.reconcile(answer) == NotSent()
