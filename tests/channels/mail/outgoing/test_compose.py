"""The mail that carries an answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail.outgoing.compose import compose, reply_subject, safe_text
from supervisor.protocol.errors import PermanentFailure
from supervisor.protocol.messages import SENTENCE, VERBATIM, Address, Outbound, OutboxId
from tests.channels.mail.fixtures import ADMIN, US, config

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def outbound(text: str = "done", to: str = ADMIN, **meta: Any) -> Outbound:
    return Outbound(
        id=OutboxId(ID), channel="mail", account=US, to=Address(kind="mail", value=to), text=text, meta=meta
    )


def sent(answer: Outbound, **changes: Any) -> EmailMessage:
    """Return the mail as its receiver parses it."""
    raw = compose(answer, config(**changes)).as_bytes()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_answer_has_thread_automatic_mark_and_message_id() -> None:
    meta: dict[str, Any] = {"subject": "build", "in_reply_to": "<2@example.com>", "references": ["<1@example.com>"]}
    message = sent(outbound(**meta), name="Bot, Ü")
    assert message["subject"] == "Re: build"
    assert message["from"].addresses[0].display_name == "Bot, Ü"
    assert message["from"].addresses[0].addr_spec == US
    assert message["to"] == ADMIN
    assert message["message-id"] == f"<{ID}@example.org>"
    assert message["in-reply-to"] == "<2@example.com>"
    assert message["references"].split() == ["<1@example.com>", "<2@example.com>"]
    assert message["auto-submitted"] == "auto-replied"
    assert message.get_content_type() == "multipart/alternative"


def test_same_answer_has_the_same_message_id_at_every_attempt() -> None:
    assert sent(outbound())["message-id"] == sent(outbound())["message-id"]


def test_date_is_the_time_of_sending() -> None:
    mail = compose(outbound(), config(), datetime(2026, 11, 3, 10, tzinfo=UTC))
    assert mail["date"] == "Tue, 03 Nov 2026 10:00:00 +0000"


def test_markdown_is_sent_as_it_is_and_as_html() -> None:
    message = sent(outbound("**bold** `x`\n\n| a |\n|---|\n| b |\n\n.dot\n-- \nend"))
    assert part(message, "plain").replace("\r\n", "\n") == "**bold** `x`\n\n| a |\n|---|\n| b |\n\n.dot\n-- \nend\n"
    assert "<strong>bold</strong> <code>x</code>" in part(message, "html")
    assert "<td>b</td>" in part(message, "html")


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        "<img src=https://evil.example/x onerror=alert(1)>",
        "![x](https://evil.example/x)",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,xxxx)",
        "[x](vbscript:x)",
        '[x](https://a.example/"onmouseover="alert(1))',
    ],
)
def test_html_holds_nothing_that_runs_or_loads(evil: str) -> None:
    page = part(sent(outbound(evil)), "html")
    assert "<script" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert 'href="data' not in page
    assert 'href="vbscript' not in page
    assert '"onmouseover' not in page


def test_long_answer_is_sent_whole() -> None:
    text = "\n".join(f"line {number} ü" for number in range(20_000))
    assert part(sent(outbound(text)), "plain").replace("\r\n", "\n").rstrip("\n") == text


@pytest.mark.parametrize(
    ("subject", "answer"),
    [
        ("build", "Re: build"),
        ("Re: build", "Re: build"),
        ("AW: Re: RE[2]: build", "Re: build"),
        *(
            (f"{mark} build", "Re: build")
            for mark in ("RES:", "回复:", "答复：", "R:", "SV:", "TR:", "Fwd: Re:", "Odp:")
        ),
        ("Regarding: build", "Re: Regarding: build"),
        ("", "Re:"),
        ("a\r\nBcc: eve@example.net", "Re: a Bcc: eve@example.net"),
        ("ü" * 300, "Re: " + "ü" * 200),
    ],
)
def test_subject_has_one_re_and_one_line(subject: str, answer: str) -> None:
    assert reply_subject(subject) == answer


UNDECODABLE = [
    ("=?gb2312?B?1tDO?=", "中\ufffd"),
    ("=?big5?B?pKQ=?= =?big5?B?pA==?=", "中\ufffd"),
    ("=?shift_jis?B?k/o=?= =?shift_jis?B?kw==?=", "日\ufffd"),
    ("=?euc-jp?B?xvzL?=", "日\ufffd"),
    ("=?utf-8?B?7aCA?=", "\ufffd\ufffd\ufffd"),
    ("=?x-unknown?B?1tDO?=", "= ?x-unknown?B?1tDO?="),
    ("=?rot13?Q?abc?=", "= ?rot13?Q?abc?="),
    ("=?gb2312?X?1tDO?=", "= ?gb2312?X?1tDO?="),
    ("=?utf-8?Q?=3D=3Fx=3FQ=3F=3D3D=3Fgb2312?=", "= ?x?Q?=3D?gb2312"),
]


@pytest.mark.parametrize(("subject", "answer"), UNDECODABLE)
def test_a_subject_that_cannot_be_decoded_is_replaced(subject: str, answer: str) -> None:
    assert sent(outbound(subject=subject, in_reply_to=""))["subject"] == f"Re: {answer}"
    assert sent(outbound(subject=subject))["subject"] == answer


@pytest.mark.parametrize(("meta", "subject"), [({"subject": "Spending"}, "Spending"), ({}, "xswarm")])
def test_a_mail_that_nobody_asked_for_is_no_answer(meta: dict[str, Any], subject: str) -> None:
    mail = sent(outbound(**meta))
    assert (mail["subject"], mail["auto-submitted"], mail["in-reply-to"]) == (subject, "auto-generated", None)


def test_message_ids_that_look_like_encoded_words_are_kept() -> None:
    raw = compose(outbound(in_reply_to="<=?gb2312?B?1tDO?=@x.test>"), config()).as_bytes()
    assert b"In-Reply-To: <=?gb2312?B?1tDO?=@x.test>\r\n" in raw
    assert b"References: <=?gb2312?B?1tDO?=@x.test>\r\n" in raw


def test_nothing_in_meta_can_add_a_header() -> None:
    message = sent(
        outbound(
            subject="x\r\nBcc: eve@example.net",
            in_reply_to="<a@b>\r\nBcc: eve@example.net",
            references=["<c@d>", "<e@f>\nBcc: eve@example.net", 7, None],
        )
    )
    assert message["bcc"] is None
    assert message["in-reply-to"] is None
    assert message["references"] == "<c@d>"


@pytest.mark.parametrize("to", ["a@b\r\nBcc: e@f", "Eve <eve@example.net>", "a@example.com,b@example.com", ""])
def test_recipient_that_is_not_a_plain_address_is_refused(to: str) -> None:
    with pytest.raises(PermanentFailure):
        compose(outbound(to=to), config())


def test_long_message_ids_are_never_encoded() -> None:
    ids = [f"<{'x' * 200}{number}@example.com>" for number in range(60)]
    raw = compose(outbound(references=ids, in_reply_to=ids[-1]), config()).as_bytes()
    head = raw.partition(b"\r\n\r\n")[0]
    assert b"=?" not in head
    assert head.count(b"<xxx") == 21
    assert ids[0].encode() in head
    assert ids[40].encode() not in head


def test_text_loses_terminal_sequences_and_direction_overrides() -> None:
    assert safe_text("a\x1b[31mred\x1b[0m\x1b]0;title\x07 b\u202ec\0\x07\r\nd\te\x9b") == "ared bc\nd\te"


@settings(max_examples=50)
@given(st.text(max_size=300), st.text(max_size=100))
def test_any_text_makes_a_mail(text: str, subject: str) -> None:
    message = sent(outbound(text, subject=subject, in_reply_to=""))
    assert message["subject"].startswith("Re:")
    assert part(message, "plain").replace("\r\n", "\n").rstrip() == safe_text(text).replace("\r", "").rstrip()


def test_verbatim_text_is_not_changed() -> None:
    command = "Bash rm -rf *tmp* /x/* # `a` __init__\n<b>ls</b>"
    mail = compose(replace(outbound(command), meta={VERBATIM: True}), config())
    plain, html = (part.get_content() for part in mail.iter_parts())
    assert plain == f"{command}\n"
    assert "<pre>Bash rm -rf *tmp* /x/* # `a` __init__\n&lt;b&gt;ls&lt;/b&gt;</pre>" in html


def test_a_sentence_is_not_markdown() -> None:
    mail = compose(replace(outbound("changed src/__init__.py\n<b>"), meta={SENTENCE: True}), config())
    _, html = (part.get_content() for part in mail.iter_parts())
    assert "<p>changed src/__init__.py<br>\n&lt;b&gt;</p>" in html
