"""The meaning of Twilio's error codes."""

from __future__ import annotations

import pytest

from channels.sms.twilio.failures import Refusal, Undelivered, refusal, undelivered_reason
from supervisor.protocol.errors import OutcomeUnknown, PermanentFailure, TemporaryFailure

TEMPORARY = {Refusal.TOO_MANY_REQUESTS, Refusal.QUEUE_FULL}
CONFIGURATION = {
    Refusal.AUTHENTICATION: "TWILIO_AUTH_TOKEN",
    Refusal.NOT_FOUND: "channels.sms.account_sid",
    Refusal.INVALID_FROM: "channels.sms.from_number",
    Refusal.FROM_MISSING: "channels.sms.from_number",
    Refusal.CALLBACK_INVALID: "http.public_url",
    Refusal.FROM_NOT_OURS: "channels.sms.from_number",
    Refusal.FROM_NOT_ACCOUNTS: "channels.sms.from_number",
    Refusal.FROM_MISMATCH: "channels.sms.from_number",
    Refusal.SERVICE_NOT_FOUND: "channels.sms.messaging_service_sid",
    Refusal.SERVICE_EMPTY: "sender pool",
    Refusal.REGION_NOT_PERMITTED: "Geo permissions",
    Refusal.UNVERIFIED_TO: "verify",
    Refusal.ACCOUNT_NOT_ACTIVE: "console",
}


@pytest.mark.parametrize("code", Refusal)
def test_every_listed_code_has_a_kind_and_a_sentence(code: Refusal) -> None:
    failure = refusal(400, code)
    assert type(failure) is (TemporaryFailure if code in TEMPORARY else PermanentFailure)
    assert f"(Twilio code {int(code)})" in failure.why


@pytest.mark.parametrize(("code", "remedy"), CONFIGURATION.items())
def test_a_failure_by_configuration_says_what_to_set(code: Refusal, remedy: str) -> None:
    assert remedy in refusal(400, code).why


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, 99999, PermanentFailure),
        (404, None, PermanentFailure),
        (429, None, TemporaryFailure),
        (429, 99999, TemporaryFailure),
        (500, 20500, OutcomeUnknown),
        (503, None, OutcomeUnknown),
        # Not even a code that says "refused" makes a failing server's word certain.
        (500, 21211, OutcomeUnknown),
        (302, None, OutcomeUnknown),
    ],
)
def test_an_unlisted_code_is_judged_by_the_status(status: int, code: int | None, kind: type[Exception]) -> None:
    assert type(refusal(status, code)) is kind


def test_the_wait_that_twilio_asks_for_is_kept() -> None:
    failure = refusal(429, 20429, 7.0)
    assert isinstance(failure, TemporaryFailure)
    assert failure.retry_after == 7.0


@pytest.mark.parametrize("code", Undelivered)
def test_every_listed_reason_is_in_plain_words(code: Undelivered) -> None:
    assert undelivered_reason(str(int(code))).endswith(f"(Twilio code {int(code)})")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("39999", "Twilio's error 39999"),
        ("", "Twilio did not say why"),
        ("x", "Twilio did not say why"),
        ("²", "Twilio did not say why"),
        ("9" * 5000, "Twilio did not say why"),
    ],
)
def test_a_reason_that_is_not_listed_is_named_by_its_number(code: str, reason: str) -> None:
    assert undelivered_reason(code) == reason
