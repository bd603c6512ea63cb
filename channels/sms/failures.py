"""Twilio's error codes, and what each of them says of a send or of a delivery.

Twilio warns that its codes may change: one that is not listed counts by its HTTP status.
"""

from __future__ import annotations

from enum import IntEnum

from supervisor.protocol.errors import DeliveryFailure, OutcomeUnknown, PermanentFailure, TemporaryFailure


class Refusal(IntEnum):
    """Codes in the answer to a send: Twilio has not taken the message."""

    AUTHENTICATION = 20003
    """The account or its token is wrong."""
    NOT_FOUND = 20404
    """No such account."""
    TOO_MANY_REQUESTS = 20429
    """Asked too often or too much at once."""
    INVALID_TO = 21211
    """The recipient is no phone number."""
    INVALID_FROM = 21212
    """Our own number is no phone number."""
    REGION_NOT_PERMITTED = 21408
    """The account may not text to that country."""
    BODY_MISSING = 21602
    """Our bug: a message without text."""
    FROM_MISSING = 21603
    """Neither a number nor a messaging service to send from."""
    TO_MISSING = 21604
    """Our bug: a message without recipient."""
    FROM_NOT_OURS = 21606
    """Our own number is not the account's, or cannot send text messages."""
    UNVERIFIED_TO = 21608
    """A trial account may text to verified numbers only."""
    OPTED_OUT = 21610
    """The recipient has answered STOP."""
    CALLBACK_INVALID = 21609
    """The URL that is to hear of the delivery cannot be called from outside."""
    QUEUE_FULL = 21611
    """Too many messages of our number wait already."""
    NO_ROUTE = 21612
    """The recipient cannot be reached from our number."""
    NOT_MOBILE = 21614
    """The recipient cannot receive text messages."""
    BODY_TOO_LONG = 21617
    """Our bug: more than 1600 characters."""
    EMPTY_BODY = 21619
    """Our bug: a message without text or media."""
    FROM_NOT_ACCOUNTS = 21659
    """Our own number is not a Twilio number of any account."""
    FROM_MISMATCH = 21660
    """Our own number belongs to another account."""
    SERVICE_NOT_FOUND = 21701
    """No such messaging service."""
    SERVICE_EMPTY = 21703
    """The messaging service has no number to send from."""
    ACCOUNT_NOT_ACTIVE = 90010
    """The account is suspended or closed."""


_TEMPORARY: dict[int, str] = {
    Refusal.TOO_MANY_REQUESTS: "Twilio is being asked too often",
    Refusal.QUEUE_FULL: "too many messages of our number wait at Twilio",
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
    """Codes in a status report: Twilio took the message and it did not arrive."""

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
    Undelivered.QUEUE_OVERFLOW: "it waited too long at Twilio",
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
    """Return what Twilio's refusal of a send means.

    Args:
        status: the HTTP status.
        code: Twilio's code, or None where the answer had none.
        retry_after: seconds that Twilio asked us to wait, or None.
    """
    if status >= 500:
        return OutcomeUnknown(f"Twilio failed while it took the message (HTTP status {status})")
    if status == 429 or code in _TEMPORARY:
        why = _worded(_TEMPORARY, code) or "Twilio is being asked too often"
        return TemporaryFailure(why, retry_after=retry_after)
    if status >= 400:
        why = _worded(_PERMANENT, code) or f"Twilio refused the message (HTTP status {status}, code {code})"
        return PermanentFailure(why)
    return OutcomeUnknown(f"Twilio answered in a way that we do not know (HTTP status {status})")


def undelivered_reason(code: str) -> str:
    """Return in plain words why a message did not arrive; `code` is as Twilio sends it, perhaps empty."""
    number = int(code) if code.isascii() and code.isdigit() and len(code) < 10 else 0
    if number == 0:
        return "Twilio did not say why"
    return _worded(_REASONS, number) or f"Twilio's error {number}"


def _worded(sentences: dict[int, str], code: int | None) -> str:
    known = sentences.get(code) if code is not None else None
    return f"{known} (Twilio code {code})" if known is not None else ""
