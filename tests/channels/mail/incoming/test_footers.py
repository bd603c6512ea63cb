"""Signatures and lines of mail programs."""

from __future__ import annotations

import pytest

from channels.mail.incoming.footers import unsigned


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
