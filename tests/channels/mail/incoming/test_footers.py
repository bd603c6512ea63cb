"""Signatures and lines of mail programs."""

from __future__ import annotations

import pytest

from channels.mail.incoming.footers import is_program_line, unsigned


@pytest.mark.parametrize("line", ["Odesláno z iPhonu", "iPhone'umdan gönderildi", "Sent from Outlook for Android"])
def test_a_line_of_a_mail_program_is_left_out(line: str) -> None:
    assert unsigned(["run it", "", line]) == (["run it"], [line])


@pytest.mark.parametrize(
    "line", ["On Android it fails", "Send it from my phone?", "It was sent: by mail", "> sent from mail"]
)
def test_a_sentence_is_kept(line: str) -> None:
    assert unsigned(["run it", "", line]) == (["run it", "", line], [])


@pytest.mark.parametrize("line", ["Von meinem iPhone gesendet", "Sent from my iPad"])
def test_a_line_of_a_phone_needs_no_blank_line_above_it(line: str) -> None:
    assert unsigned(["run it", line]) == (["run it"], [line])


def test_two_hyphens_start_a_signature_where_a_short_paragraph_follows() -> None:
    assert unsigned(["run it", "", "--", "Ada", "Acme"]) == (["run it"], ["Ada", "Acme"])
    assert unsigned(["run it", "", "--", "--verbose"]) == (["run it", "", "--", "--verbose"], [])


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("Sent from my iPhone\n", True),
        ("Von meinem iPhone gesendet", True),
        ("Get Outlook for iOS<https://aka.ms/o0ukef>", True),
        ("发自我的iPhone", True),
        ("the mail is not sent", False),
        ("", False),
        ("Sent from my iPhone\nplease fix it", False),
    ],
)
def test_a_whole_text_may_be_a_line_of_the_mail_program(text: str, added: bool) -> None:
    assert is_program_line(text) is added
