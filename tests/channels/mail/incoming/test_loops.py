"""Mail that must not be answered."""

from __future__ import annotations

import pytest

from channels.mail.headers import Headers
from channels.mail.incoming.loops import automatic_reason

DOMAIN = "example.org"
OURS = "<01890a5d-ac96-774b-bcce-b302099a805{:x}@example.org>"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auto-submitted", "auto-replied"),
        ("auto-submitted", "Auto-Generated; owner-email=x@example.com"),
        ("precedence", "Bulk"),
        ("precedence", "list"),
        ("precedence", "junk"),
        ("precedence", "auto_reply"),
        ("x-autoreply", "yes"),
        ("x-auto-reply", "1"),
        ("x-autorespond", "Out of the office"),
        ("list-id", "<dev.example.com>"),
        ("list-unsubscribe", "<mailto:x@example.com>"),
        ("x-auto-response-suppress", "OOF"),
        ("content-type", "Multipart/Report; report-type=delivery-status"),
        ("references", " ".join(OURS.format(n % 16) for n in range(21))),
    ],
)
def test_automatic_mail_is_detected_by_its_headers(name: str, value: str) -> None:
    assert automatic_reason(Headers([(name, value)]), "admin@example.com", DOMAIN)


@pytest.mark.parametrize("envelope_sender", ["", "<>"])
def test_bounce_is_detected_by_its_null_sender(envelope_sender: str) -> None:
    assert automatic_reason(Headers([]), envelope_sender, DOMAIN)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auto-submitted", "No"),
        ("precedence", "first-class"),
        ("x-autoreply", "no"),
        ("content-type", "multipart/mixed"),
        ("references", " ".join(OURS.format(n % 16) for n in range(20))),
        ("references", " ".join(f"<{n}@example.org>" for n in range(50))),
    ],
)
def test_mail_of_a_person_may_be_answered(name: str, value: str) -> None:
    assert automatic_reason(Headers([(name, value)]), "admin@example.com", DOMAIN) is None
