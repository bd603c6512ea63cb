"""The bounces of our own answers, as mail servers write them."""

from __future__ import annotations

import pytest

from channels.mail.bounces import Bounce, read_bounce
from channels.mail.headers import Headers, split
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import Delivery, OutboxId
from tests.channels.hosts import RecordingHost
from tests.channels.mail.fixtures import mail, received

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
MESSAGE_ID = f"<{ID}@example.org>"

POSTFIX = f"""\
Return-Path: <>
Date: Sun, 29 Nov 2026 12:00:00 +0100 (CET)
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: bot@example.org
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="9C1.1/mx.example.org"
Message-Id: <20261129110000.4B7@mx.example.org>

This is a MIME-encapsulated message.

--9C1.1/mx.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

<ada@example.com>: host mx.example.com said: 552 5.2.2 Over quota <script>

--9C1.1/mx.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
X-Postfix-Sender: rfc822; bot@example.org
Arrival-Date: Sun, 29 Nov 2026 11:59:58 +0100 (CET)

Final-Recipient: rfc822; ada@example.com
Original-Recipient: rfc822;ada@example.com
Action: failed
Status: 5.2.2
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; 552 5.2.2 Over quota <script>

--9C1.1/mx.example.org
Content-Description: Undelivered Message
Content-Type: message/rfc822

From: xswarm <bot@example.org>
To: ada@example.com
Subject: Re: build
Message-ID: {MESSAGE_ID}

done

--9C1.1/mx.example.org--
"""

EXCHANGE = f"""\
From: Postmaster <postmaster@example.com>
To: bot@example.org
Subject: Undeliverable: Re: build
In-Reply-To: {MESSAGE_ID}
References: <first@example.com> {MESSAGE_ID}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/html

<p>Your message could not be delivered.</p>
--b
Content-Type: message/delivery-status

Reporting-MTA: dns;X.example.com

Final-recipient: RFC822;ada@example.com
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound
--b--
"""

EXIM = f"""\
From: Mail Delivery System <Mailer-Daemon@mx.example.org>
To: bot@example.org
X-Failed-Recipients: ada@example.com
Auto-Submitted: auto-replied
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

  ada@example.com
    host mx.example.com [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<ada@example.com>:
    550 5.1.1 <ada@example.com>: no such user

------ This is a copy of the message, including all the headers. ------

From: xswarm <bot@example.org>
Message-ID:
 {MESSAGE_ID}

done
"""

QMAIL = f"""\
From: MAILER-DAEMON@mx.example.org
To: bot@example.org
Subject: failure notice

Hi. This is the qmail-send program at mx.example.org.

<ada@example.com>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

From: xswarm <bot@example.org>
Message-ID: {MESSAGE_ID}

done
"""


FULL, REFUSED = "the mailbox is full (status 5.2.2)", "the mail server of the recipient refuses it"


def with_status(code: str) -> str:
    return POSTFIX.replace("Status: 5.2.2", f"Status: {code}")


def read(text: str) -> Bounce | None:
    headers, content = split(text.replace("\n", "\r\n").encode())
    return read_bounce(headers, content, "example.org")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (POSTFIX, FULL),
        (
            POSTFIX.replace("Status: 5.2.2", "Status: 5.9.9"),
            "the mail server of the recipient refuses it (status 5.9.9)",
        ),
        (with_status("4.4.7"), "the mail server did not take it in time (status 4.4.7)"),
        (with_status("none"), REFUSED),
        (
            POSTFIX.replace("message/delivery-status", "message/global-delivery-status"),
            "the mailbox is full (status 5.2.2)",
        ),
        (POSTFIX.replace("message/rfc822", "text/rfc822-headers"), FULL),
        (EXCHANGE, "there is no such mailbox (status 5.1.10)"),
        (EXIM, "there is no such mailbox (status 5.1.1)"),
        (QMAIL, "there is no such mailbox (status 5.1.1)"),
    ],
)
def test_a_bounce_of_our_answer_is_read(text: str, reason: str) -> None:
    assert read(text) == Bounce(ID, MESSAGE_ID, reason)


@pytest.mark.parametrize(
    "text",
    [
        POSTFIX.replace("Action: failed", "Action: delayed"),
        POSTFIX.replace("Action: failed", "Action: delivered").replace("5.2.2", "2.0.0"),
        POSTFIX.replace("@example.org>\n\ndone", "@example.net>\n\ndone"),
        POSTFIX.replace(ID, "not-one-of-ours"),
        POSTFIX.replace("message/delivery-status", "message/disposition-notification"),
        POSTFIX.replace("\ndone", "\nAction: failed").replace("Action: failed", "Action: delayed", 1),
        EXIM.replace("X-Failed-Recipients", "X-Other"),
        "From: Ada <ada@example.com>\nSubject: Away\n\nI am away until Monday.\n",
        POSTFIX[: POSTFIX.index("Final-Recipient")],
    ],
)
def test_other_reports_are_no_bounces_of_ours(text: str) -> None:
    assert read(text) is None


def test_only_what_is_read_counts() -> None:
    headers = Headers([("content-type", "multipart/report")])
    late = b"\r\n" * 200_000 + POSTFIX.replace("\n", "\r\n").encode()
    assert read_bounce(headers, late, "example.org") is None


async def test_a_bounce_is_reported_to_the_core() -> None:
    host = RecordingHost()
    raw = POSTFIX.replace("\n", "\r\n").encode()
    assert await received(raw, host=host, envelope_from="<>") == []
    assert host.deliveries == [
        Delivery(
            outbox_id=OutboxId(ID),
            provider_id=MESSAGE_ID,
            state="undelivered",
            error="the mailbox is full (status 5.2.2)",
        )
    ]
    assert host.traces == []


async def test_a_bounce_of_a_mail_that_is_not_known_is_dropped() -> None:
    host = RecordingHost()
    host.unknown_ids.add(MESSAGE_ID)
    assert await received(POSTFIX.replace("\n", "\r\n").encode(), host=host, envelope_from="<>") == []
    assert [why.partition(": ")[2] for _, why in host.traces] == ["it has the null sender of a bounce"]


async def test_a_mail_of_a_person_reports_nothing() -> None:
    host = RecordingHost()
    quoted = POSTFIX[POSTFIX.index("--9C1") :]
    assert len(await received(mail(body=quoted), host=host)) == 1
    assert host.deliveries == []


async def test_a_bounce_that_cannot_be_recorded_comes_again() -> None:
    host = RecordingHost()
    host.fail_with = StorageError("full")
    with pytest.raises(StorageError):
        await received(POSTFIX.replace("\n", "\r\n").encode(), host=host, envelope_from="<>")
