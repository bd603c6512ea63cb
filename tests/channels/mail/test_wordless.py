"""What the sender of a mail without words is told."""

from __future__ import annotations

import pytest

from channels.mail import wordless
from channels.mail.wordless import NO_WORDS, Part, told
from tests.channels.hosts import RecordingHost
from tests.channels.mail.fixtures import mail, received

PICTURE, PDF = Part("image/jpeg", "IMG_1.jpg"), Part("application/pdf", "plan.pdf")
ID = "<01890a5d-ac96-774b-bcce-b302099a8057@example.org>"


@pytest.mark.parametrize(
    ("parts", "more", "shown"),
    [
        ([PICTURE], 0, "a picture (IMG_1.jpg)"),
        ([Part("image/png")], 0, "a picture"),
        ([PDF], 0, "the attachment plan.pdf"),
        ([Part("application/ms-tnef")], 0, "the attachment application/ms-tnef"),
        ([Part("message/rfc822")], 0, "a forwarded mail"),
        ([PICTURE, PDF], 0, "2 attachments: a picture (IMG_1.jpg) and plan.pdf"),
        ([PDF, PDF], 3, "5 attachments: plan.pdf, plan.pdf and 3 more"),
    ],
)
def test_attachments_alone_are_named(parts: list[Part], more: int, shown: str) -> None:
    assert told(" \n", "Plan", parts, more) == f"Your mail has no text, only {shown}. {NO_WORDS}"
    assert told("look at it", "Plan", parts, more) == ""


@pytest.mark.parametrize(
    ("text", "subject", "parts", "sentence"),
    [
        ("", "x", [Part("application/pgp-encrypted"), Part("application/octet-stream")], wordless.ENCRYPTED),
        ("", "x", [Part("application/pkcs7-mime", "smime.p7m", "enveloped-data")], wordless.ENCRYPTED),
        ("", "x", [Part("application/x-pkcs7-mime", "smime.p7m")], wordless.ENCRYPTED),
        ("", "x", [Part("application/pkcs7-mime", "smime.p7m", "signed-data")], wordless.HIDDEN),
        ("-----BEGIN PGP MESSAGE-----\n\nhQEMA", "x", [], wordless.ENCRYPTED),
        ("Ada has accepted", "Accepted: x", [Part("text/calendar", "", "reply")], wordless.INVITATION_ANSWER),
        ("Come", "x", [Part("text/calendar", "", "request")], wordless.INVITATION),
        ("", "Accepted: Stand-up", [], wordless.INVITATION_ANSWER),
        ("", "Zugesagt: Stand-up", [], wordless.INVITATION_ANSWER),
        ("Ada reacted", "Re: x", [Part("text/vnd.google.email-reaction+json")], wordless.REACTION),
        ("", "claude: list the files", [], ""),
        ("", "", [], ""),
        ("Accepted, go on", "Accepted: x", [], ""),
        ("hello", "x", [Part("text/calendar", "a.ics")], ""),
        ("hello", "x", [Part("application/pgp-signature", "signature.asc")], ""),
    ],
)
def test_each_kind_of_mail_without_words_has_its_sentence(
    text: str, subject: str, parts: list[Part], sentence: str
) -> None:
    assert told(text, subject, parts, 0) == sentence


PICTURE_ALONE = """--b
Content-Type: text/html; charset=utf-8

<html><body><img src="cid:1"><br><br>Sent from my iPhone</body></html>
--b
Content-Type: image/jpeg; name="IMG_1.jpg"
Content-Disposition: inline; filename="IMG_1.jpg"
Content-ID: <1>

x
--b--"""
CALENDAR = """--b
Content-Type: text/plain

--b
Content-Type: text/calendar; charset=utf-8; method=REPLY

BEGIN:VCALENDAR
METHOD:REPLY
END:VCALENDAR
--b--"""


@pytest.mark.parametrize(
    ("content_type", "body", "sentence"),
    [
        ("multipart/related; boundary=b", PICTURE_ALONE, f"no text, only a picture (IMG_1.jpg). {NO_WORDS}"),
        ("image/png; name=a.png", "x", f"no text, only a picture (a.png). {NO_WORDS}"),
        ("multipart/alternative; boundary=b", CALENDAR, wordless.INVITATION_ANSWER),
        ("application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", "x", wordless.HIDDEN),
        (
            "multipart/encrypted; protocol=application/pgp-encrypted; boundary=b",
            "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\n\n-----BEGIN PGP MESSAGE-----\n--b--",
            wordless.ENCRYPTED,
        ),
    ],
)
async def test_a_mail_without_words_says_what_arrived(content_type: str, body: str, sentence: str) -> None:
    (inbound,) = await received(mail(("MIME-Version", "1.0"), ("Content-Type", content_type), body=body))
    assert inbound.unreadable.endswith(sentence)


async def test_a_reply_that_only_quotes_is_no_request() -> None:
    host = RecordingHost()
    host.texts[ID] = "It is done, all of it."
    quoting = "\n\nOn Sun, Bot <bot@example.org> wrote:\n> It is done, all of it.\n"
    (bare, own) = await received(
        mail(("In-Reply-To", ID), body=quoting), mail(("In-Reply-To", ID), body=f"Thanks{quoting}"), host=host
    )
    assert bare.unreadable == wordless.QUOTATION
    assert (own.text, own.unreadable) == ("Thanks", "")


async def test_a_mail_of_others_is_forwarded_in_a_thread_of_ours_without_a_comment() -> None:
    host = RecordingHost()
    host.texts[ID] = "It is done, all of it."
    forwarded = "> From: Eve <eve@example.net>\n> Please add a page about prices."
    (inbound,) = await received(mail(("In-Reply-To", ID), body=forwarded), host=host)
    assert inbound.unreadable == ""


async def test_a_line_of_the_mail_program_alone_is_no_text() -> None:
    (inbound,) = await received(mail(Subject="STATUS", body="Sent from my iPhone"))
    assert (inbound.text, inbound.subject) == ("", "STATUS")
    assert inbound.note == "left out at the end of the mail: Sent from my iPhone"
    for text in ("the mail is not sent", "Get iPhone orders fixed", "Sent from my iPhone was what she wrote"):
        (*_, words) = await received(mail(body=text))
        assert words.text == text


async def test_what_is_written_beside_attachments_is_a_request() -> None:
    (inbound,) = await received(mail(body="please build it"))
    assert inbound.unreadable == ""
