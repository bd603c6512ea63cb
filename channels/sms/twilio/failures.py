"""Twilio's error codes and what they mean for a send or a delivery (https://www.twilio.com/docs/api/errors).

Twilio may add codes, so a code that is not listed here is judged by the HTTP status.
"""

from __future__ import annotations

from enum import IntEnum

from supervisor.protocol.errors import DeliveryFailure, OutcomeUnknown, PermanentFailure, TemporaryFailure


class Refusal(IntEnum):
    """Codes in the response to a send: Twilio has not accepted the message."""

    AUTHENTICATION = 20003
    """The account or its token is wrong."""
    NOT_FOUND = 20404
    """There is no such account."""
    TOO_MANY_REQUESTS = 20429
    """There are too many requests."""
    INVALID_TO = 21211
    """The recipient is not a phone number."""
    INVALID_FROM = 21212
    """Our number is not a phone number."""
    REGION_NOT_PERMITTED = 21408
    """The account may not text to that country."""
    BODY_MISSING = 21602
    """A bug of ours: the message has no text."""
    FROM_MISSING = 21603
    """There is neither a number nor a messaging service to send from."""
    TO_MISSING = 21604
    """A bug of ours: the message has no recipient."""
    FROM_NOT_OURS = 21606
    """Our number does not belong to the account, or cannot send text messages."""
    UNVERIFIED_TO = 21608
    """A trial account may text to verified numbers only."""
    OPTED_OUT = 21610
    """The recipient has answered STOP."""
    CALLBACK_INVALID = 21609
    """Twilio cannot call the URL of the status callback."""
    QUEUE_FULL = 21611
    """Too many messages of our number are queued."""
    NO_ROUTE = 21612
    """The recipient cannot be reached from our number."""
    NOT_MOBILE = 21614
    """The recipient cannot receive text messages."""
    BODY_TOO_LONG = 21617
    """A bug of ours: the message has more than 1600 characters."""
    EMPTY_BODY = 21619
    """A bug of ours: the message has neither text nor media."""
    FROM_NOT_ACCOUNTS = 21659
    """Our number is not a Twilio number."""
    FROM_MISMATCH = 21660
    """Our number belongs to another account."""
    SERVICE_NOT_FOUND = 21701
    """There is no such messaging service."""
    SERVICE_EMPTY = 21703
    """The messaging service has no number to send from."""
    ACCOUNT_NOT_ACTIVE = 90010
    """The account is suspended or closed."""


_TEMPORARY: dict[int, str] = {
    Refusal.TOO_MANY_REQUESTS: "Twilio gets too many requests",
    Refusal.QUEUE_FULL: "too many messages of our number are queued at Twilio",
}

_PERMANENT: dict[int, str] = {
    Refusal.INVALID_TO: "the recipient's number is not a phone number",
    Refusal.REGION_NOT_PERMITTED: "the Twilio account may not text to the recipient's country; "
    "allow it in the console under Messaging, Settings, Geo permissions",
    Refusal.UNVERIFIED_TO: "the Twilio trial account may only text to verified numbers; "
    "verify the recipient's in the console, or upgrade the account",
    Refusal.OPTED_OUT: "the recipient has opted out with STOP; only their own START brings them back",
    Refusal.NO_ROUTE: "the recipient cannot be reached from our number",
    Refusal.NOT_MOBILE: "the recipient's number cannot receive text messages",
    Refusal.BODY_MISSING: "the message had no text; please report this bug",
    Refusal.EMPTY_BODY: "the message had no text; please report this bug",
    Refusal.TO_MISSING: "the message had no recipient; please report this bug",
    Refusal.BODY_TOO_LONG: "the message was longer than Twilio takes; please report this bug",
    Refusal.AUTHENTICATION: "Twilio refused the credentials; check channels.sms.account_sid and TWILIO_AUTH_TOKEN",
    Refusal.NOT_FOUND: "Twilio does not know the account; check channels.sms.account_sid",
    Refusal.INVALID_FROM: "our number is not a phone number; check channels.sms.from_number",
    Refusal.CALLBACK_INVALID: "Twilio cannot call our address; check that http.public_url is reachable from outside",
    Refusal.FROM_MISSING: "there is no number to send from; set channels.sms.from_number or messaging_service_sid",
    Refusal.FROM_NOT_OURS: "our number cannot send from this account; check channels.sms.from_number",
    Refusal.FROM_NOT_ACCOUNTS: "our number is not a Twilio number; check channels.sms.from_number",
    Refusal.FROM_MISMATCH: "our number belongs to another Twilio account; check channels.sms.from_number",
    Refusal.SERVICE_NOT_FOUND: "Twilio does not know the messaging service; check channels.sms.messaging_service_sid",
    Refusal.SERVICE_EMPTY: "the messaging service has no number to send from; add one to its sender pool",
    Refusal.ACCOUNT_NOT_ACTIVE: "the Twilio account is not active; see its console",
}


class Undelivered(IntEnum):
    """Codes in a status report: Twilio accepted the message, and it was not delivered."""

    OPTED_OUT = 21610
    QUEUE_OVERFLOW = 30001
    ACCOUNT_SUSPENDED = 30002
    UNREACHABLE = 30003
    BLOCKED = 30004
    UNKNOWN_NUMBER = 30005
    LANDLINE = 30006
    FILTERED = 30007
    UNKNOWN = 30008
    UNREGISTERED = 30034


_REASONS: dict[int, str] = {
    Undelivered.OPTED_OUT: "the recipient has opted out with STOP",
    Undelivered.QUEUE_OVERFLOW: "it was queued too long at Twilio",
    Undelivered.ACCOUNT_SUSPENDED: "the Twilio account was suspended",
    Undelivered.UNREACHABLE: "the phone is switched off or out of reach",
    Undelivered.BLOCKED: "the recipient or their carrier blocks messages from us",
    Undelivered.UNKNOWN_NUMBER: "the number is not in service",
    Undelivered.LANDLINE: "the number is a landline, or its carrier cannot be reached",
    Undelivered.FILTERED: "the carrier filtered the message as unwanted",
    Undelivered.UNKNOWN: "the carrier did not say why",
    Undelivered.UNREGISTERED: "our number is not registered for texting to the US (A2P 10DLC); "
    "register it in the Twilio console",
}


def refusal(status: int, code: int | None, retry_after: float | None = None) -> DeliveryFailure:
    """Return the failure for an error response to a send.

    Args:
        status: the HTTP status.
        code: Twilio's error code; None = the response has none.
        retry_after: seconds that Twilio asks to wait; None = it does not say.
    """
    if status >= 500:
        return OutcomeUnknown(f"Twilio failed while it took the message (HTTP status {status})")
    if status == 429 or code in _TEMPORARY:
        why = _worded(_TEMPORARY, code) or "Twilio gets too many requests"
        return TemporaryFailure(why, retry_after=retry_after)
    if status >= 400:
        why = _worded(_PERMANENT, code) or f"Twilio refused the message (HTTP status {status}, code {code})"
        return PermanentFailure(why)
    return OutcomeUnknown(f"Twilio sent an unexpected response (HTTP status {status})")


def undelivered_reason(code: str) -> str:
    """Return in plain words why a message was not delivered.

    Args:
        code: the ErrorCode of the status report; it may be empty.
    """
    number = int(code) if code.isascii() and code.isdigit() and len(code) < 10 else 0
    if number == 0:
        return "Twilio did not say why"
    return _worded(_REASONS, number) or f"Twilio's error {number}"


def _worded(sentences: dict[int, str], code: int | None) -> str:
    known = sentences.get(code) if code is not None else None
    return f"{known} (Twilio code {code})" if known is not None else ""
