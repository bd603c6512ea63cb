"""The stand-in for a mail server, for sent and delivered mail."""

from __future__ import annotations

import logging
import smtplib
from asyncio import to_thread

import pytest

from supervisor.demo.mailbox import MailboxStandIn, deliver, written_mail
from tests.channels.hosts import RecordingHost
from tests.channels.mail.fixtures import ADMIN, AUTHSERV, US, serving
from tests.ports import free_port


def send(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as client:
        client.sendmail(US, [ADMIN], b"Subject: hello\r\n\r\nthe answer\r\n")


async def test_mail_is_kept_and_shown(caplog: pytest.LogCaptureFixture) -> None:
    async with MailboxStandIn() as mailbox:
        with caplog.at_level(logging.INFO):
            await to_thread(send, mailbox.port)
        (mail,) = mailbox.messages
    assert (mail.envelope_from, mail.envelope_to, mail.text) == (US, (ADMIN,), "the answer")
    assert "mail to admin@example.com: hello\nthe answer" in caplog.text


async def test_port_is_free_after_the_end() -> None:
    port = free_port()
    async with MailboxStandIn(port) as mailbox:
        assert mailbox.port == port
    async with MailboxStandIn(port) as mailbox:
        assert mailbox.port == port


async def test_mail_is_delivered_with_a_dmarc_pass() -> None:
    host = RecordingHost()
    async with serving(host) as (_, address):
        answer = await deliver(
            address, from_=f"Admin <{ADMIN}>", to=US, subject="build", body=".please\n\n. build", authserv_id=AUTHSERV
        )
    assert answer.startswith("250 ")
    (inbound,) = host.accepted
    assert (inbound.sender.value, inbound.subject, inbound.text) == (ADMIN, "build", ".please\n\n. build")


async def test_mail_without_a_dmarc_pass_is_received_and_dropped() -> None:
    host = RecordingHost()
    async with serving(host) as (_, address):
        answer = await deliver(address, from_=ADMIN, to=US, subject="x", body="y", authserv_id=None)
    assert answer.startswith("250 ")
    assert host.accepted == []


async def test_refusal_is_returned() -> None:
    async with serving(RecordingHost()) as (_, address):
        answer = await deliver(address, from_=ADMIN, to="x@example.org", subject="x", body="y", authserv_id=AUTHSERV)
    assert answer.startswith("550 ")


def test_headers_can_be_added_and_replaced() -> None:
    headers = {"Subject": "z", "In-Reply-To": "<a@b>"}
    raw = written_mail(from_=ADMIN, to=US, subject="x", body="y", authserv_id=AUTHSERV, headers=headers)
    assert b"Subject: z\r\n" in raw
    assert b"Subject: x\r\n" not in raw
    assert b"In-Reply-To: <a@b>\r\n" in raw
