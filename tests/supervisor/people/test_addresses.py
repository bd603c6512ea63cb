"""Addresses have one form, however people write them."""

from __future__ import annotations

import pytest

from supervisor.people.addresses import mailbox, phone
from supervisor.protocol.errors import InvalidMessage
from supervisor.protocol.messages import Address


@pytest.mark.parametrize(
    "text", ["15550100", "+0555010", "+1555", "+1234567890123456", "+1 5550100", "+1٥٥٥0100", "+15550100\n"]
)
def test_phone_number_is_e164(text: str) -> None:
    assert phone("+15550100") == Address(kind="sms", value="+15550100")
    with pytest.raises(InvalidMessage, match="phones: must be a number"):
        phone(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ann@example.org", "ann@example.org"),
        (" Ann.B+tag@EXAMPLE.org. ", "ann.b+tag@example.org"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@ｅxample.org", "ann@example.org"),
    ],
)
def test_mail_address_is_written_one_way(text: str, value: str) -> None:
    assert mailbox(text) == Address(kind="mail", value=value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "@example.org",
        "ann@",
        "a@b@example.org",
        "ａnn@example.org",
        "a b@example.org",
        '"a"@example.org',
        "Ann <ann@example.org>",
        "ann@exa mple.org",
        "ann@-x.org",
        "ann@a..b",
        "ann@" + "x" * 300,
        ".a@b.org",
    ],
)
def test_mail_address_is_plain(text: str) -> None:
    with pytest.raises(InvalidMessage, match="emails: must be a plain mail address"):
        mailbox(text)
