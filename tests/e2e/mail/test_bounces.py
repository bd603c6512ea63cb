"""A bounced answer, over the real mail and text channels: its row says so, and its author is told by text."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from supervisor.demo.mailbox import SentMail, deliver_raw
from tests.e2e.world import ALICE_MAIL, OURS, World
from tests.waiting import until

pytestmark = pytest.mark.e2e

BOUNCE = """\
From: MAILER-DAEMON@mx.example.test
To: {ours}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mailbox is full.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.test

Final-Recipient: rfc822; {to}
Action: failed
Status: 5.2.2

--b
Content-Type: message/rfc822

{mail}
--b--
"""


def bounce(mail: SentMail) -> bytes:
    """Return what the recipient's mail server sends back for a mail."""
    text = BOUNCE.format(ours=OURS, to=ALICE_MAIL, mail=mail.raw.decode().replace("\r\n", "\n"))
    return text.replace("\n", "\r\n").encode()


async def test_an_answer_that_bounces_is_marked_and_told_by_text(tmp_path: Path) -> None:
    async with World(tmp_path, connector="echo", projects=()) as world:
        await world.start()
        assert await world.mail("Hello", "assistant: what is up?") == "250 2.0.0 OK"
        await until(lambda: world.mailbox.messages, "it is answered")
        answer = world.mailbox.messages[0]
        assert await deliver_raw(str(world.lmtp), bounce(answer), envelope_from="", recipients=[OURS]) == "250 2.0.0 OK"
        told = await world.answer("did not arrive")
        assert told.startswith(f"This mail to {ALICE_MAIL} did not arrive: the mailbox is full (status 5.2.2).")
        assert answer.text.split()[0] in told
        with closing(world.database()) as database:
            states = database.execute("SELECT state, provider_id FROM outbox WHERE channel = 'mail'").fetchall()
        assert states == [("undelivered", answer.message["Message-ID"])]
        listed = (await world.operator("GET", "/api/replies")).json()["replies"]
        assert [(one["state"], one["reason"]) for one in listed] == [
            ("undelivered", "the mailbox is full (status 5.2.2)")
        ]
        assert len(world.mailbox.messages) == 1, "a bounce is never answered"
