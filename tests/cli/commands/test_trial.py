"""`xswarm init --try` as a person uses it, against stand-ins for Twilio and a mail server."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from supervisor.demo.mailbox import MailboxStandIn
from supervisor.demo.twilio import TwilioStandIn
from tests.cli.conftest import command_line, process_environment, run_process
from tests.slowness import scaled
from tests.waiting import until

ACCOUNT, TOKEN = "AC" + "1" * 32, "2" * 32

TABLES = """
[http]
public_url = "https://xswarm.example.org"
[channels.sms]
account_sid = "{account}"
from_number = "{number}"
api_url = "{api}"
[channels.mail]
address = "xswarm@example.org"
trusted_authserv_id = "mx.example.org"
[channels.mail.smtp]
host = "127.0.0.1"
port = {port}
tls = "none"
"""


async def test_text_and_mail_arrive_and_the_webhook_is_set(tmp_path: Path) -> None:
    async with TwilioStandIn(ACCOUNT, TOKEN, progress_seconds=0.01) as twilio, MailboxStandIn() as mailbox:
        path = tmp_path / "config.toml"
        tables = TABLES.format(account=ACCOUNT, number=twilio.number, api=twilio.url, port=mailbox.port)
        path.write_text(tables, encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            *command_line("init", "--try", "--config", str(path)),
            env=process_environment() | {"TWILIO_AUTH_TOKEN": TOKEN},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdin is not None
        process.stdin.write(b"+15550100\nalice@example.org\n")
        await until(lambda: mailbox.messages, "the mail is sent", 60)
        (code,) = re.findall(r"The code is (\d{6})", mailbox.messages[0].text)
        async with asyncio.timeout(scaled(30.0)):
            out, _ = await process.communicate(code.encode() + b"\n")
        assert process.returncode == 0, out
        assert re.findall(r"\bok: ([^:]+):", out.decode()) == [
            "Twilio's webhook",
            "test text",
            "test mail",
            "arrival of the test mail",
        ]
        assert twilio.webhook_url == "https://xswarm.example.org/webhooks/twilio/sms"
        assert [message.status for message in twilio.messages] == ["delivered"]


def test_a_channel_without_its_secret_is_not_tried_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    text = TABLES.format(account=ACCOUNT, number="+15550100", api="http://127.0.0.1:9", port=9)
    path.write_text(text.partition("[channels.mail]")[0], encoding="utf-8")
    outcome = run_process("init", "--try", "--config", str(path))
    assert outcome.code == 0
    assert "TWILIO_AUTH_TOKEN is not set" in outcome.err
