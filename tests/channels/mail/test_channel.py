"""The answer to a mail, as it leaves by SMTP."""

from __future__ import annotations

from channels.mail.channel import MailChannel
from channels.mail.config import SmtpConfig
from supervisor.demo.mailbox import MailboxStandIn
from supervisor.protocol.messages import NotSent, Outbound, OutboxId
from tests.channels.hosts import RecordingHost
from tests.channels.mail.fixtures import US, config, mail, received

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


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
