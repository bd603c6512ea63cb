"""The messages of the Twilio stand-in: how it stores, refuses and lists them.

https://www.twilio.com/docs/messaging/api/message-resource and
https://www.twilio.com/docs/iam/test-credentials
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€\f"
)

REFUSED_NUMBERS = {
    "+15005550001": (21211, "Invalid 'To' Phone Number: +15005550001"),
    "+15005550002": (21612, "The 'To' phone number is not currently reachable via SMS"),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region"),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a valid mobile number"),
}
"""Twilio's test numbers, with the code and message of the error for a send to each."""

STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
"""Words with which a user opts out."""


class Refused(Exception):
    """Twilio refuses a request.

    Args:
        status: the HTTP status.
        code: Twilio's error code.
    """

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> web.Response:
        """Return the error response in Twilio's format."""
        return web.json_response(
            {
                "code": self.code,
                "message": self.message,
                "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
                "status": self.status,
            },
            status=self.status,
        )


def now() -> datetime:
    """Return the time in UTC, in whole seconds like Twilio's."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(slots=True, kw_only=True)
class Message:
    """A stored message.

    Attributes:
        sent: None = not sent yet.
        price: None = not known yet.
    """

    sid: str
    account_sid: str
    sender: str
    to: str
    body: str
    outgoing: bool
    status: str
    segments: int
    media: int = 0
    service_sid: str = ""
    error_code: int | None = None
    price: str | None = None
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    sent: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the message in the format of the API."""
        base = f"/2010-04-01/Accounts/{self.account_sid}/Messages/{self.sid}"
        return {
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": format_datetime(self.created),
            "date_sent": format_datetime(self.sent) if self.sent is not None else None,
            "date_updated": format_datetime(self.updated),
            "direction": "outbound-api" if self.outgoing else "inbound",
            "error_code": self.error_code,
            "error_message": None if self.error_code is None else "The message was not delivered",
            "from": self.sender or None,
            "messaging_service_sid": self.service_sid or None,
            "num_media": str(self.media),
            # With a messaging service, the segments are not known before it has chosen a number.
            "num_segments": "0" if self.service_sid and self.status == "accepted" else str(self.segments),
            "price": self.price,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{base}/Media.json"},
            "to": self.to,
            "uri": f"{base}.json",
        }


class Book:
    """The messages of one account with one number."""

    def __init__(self, account_sid: str, number: str) -> None:
        self.messages: list[Message] = []
        self.opted_out: set[str] = set()
        """Numbers that opted out: a send to them is refused with code 21610."""
        self.undeliverable: dict[str, int] = {}
        """Numbers that no message reaches, with the ErrorCode of the status report."""
        self._account_sid = account_sid
        self._number = number

    def find(self, sid: str) -> Message | None:
        """Return the message with this sid; None = there is none."""
        return next((message for message in self.messages if message.sid == sid), None)

    def create(self, form: Mapping[str, str]) -> Message:
        """Accept a message for sending.

        Raises:
            Refused: Twilio would refuse this message.
        """
        to, body = form.get("To", ""), form.get("Body", "")
        sender, service_sid = form.get("From", ""), form.get("MessagingServiceSid", "")
        if not to:
            raise Refused(400, 21604, "A 'To' phone number is required.")
        if not body:
            raise Refused(400, 21602, "Message body is required.")
        if not sender and not service_sid:
            raise Refused(400, 21603, "A 'From' phone number is required.")
        if sender and sender != self._number:
            raise Refused(400, 21606, f"The 'From' phone number {sender} is not a valid message-capable number")
        if not _E164.fullmatch(to):
            raise Refused(400, 21211, f"Invalid 'To' Phone Number: {to}")
        if to in REFUSED_NUMBERS:
            raise Refused(400, *REFUSED_NUMBERS[to])
        if to in self.opted_out:
            raise Refused(400, 21610, "Attempt to send to unsubscribed recipient")
        if len(body.encode("utf-16-le")) // 2 > 1600:
            raise Refused(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        message = Message(
            sid=_new_sid(),
            account_sid=self._account_sid,
            sender=sender,
            to=to,
            body=body,
            outgoing=True,
            status="accepted" if service_sid else "queued",
            segments=_segments(body),
            service_sid=service_sid,
            error_code=self.undeliverable.get(to),
        )
        self.messages.append(message)
        return message

    def received(self, sender: str, body: str, media: int) -> Message:
        """Store a received message. STOP opts the sender out, START opts them in."""
        word = body.strip().upper()
        if word in STOP_WORDS:
            self.opted_out.add(sender)
        elif word in ("START", "UNSTOP"):
            self.opted_out.discard(sender)
        message = Message(
            sid=_new_sid(),
            account_sid=self._account_sid,
            sender=sender,
            to=self._number,
            body=body,
            outgoing=False,
            status="received",
            segments=_segments(body),
            media=media,
            sent=now(),
        )
        self.messages.append(message)
        return message

    def webhook_form(self, message: Message) -> dict[str, str]:
        """Return the form of the webhook for a received message."""
        form = {
            "AccountSid": self._account_sid,
            "ApiVersion": "2010-04-01",
            "Body": message.body,
            "From": message.sender,
            "MessageSid": message.sid,
            "NumMedia": str(message.media),
            "NumSegments": str(message.segments),
            "SmsMessageSid": message.sid,
            "SmsSid": message.sid,
            "SmsStatus": "received",
            "To": message.to,
            # The place of the sender is often empty; empty fields are signed too.
            "FromCity": "",
            "FromCountry": "US",
            "FromState": "",
            "FromZip": "",
            "ToCity": "",
            "ToCountry": "US",
            "ToState": "",
            "ToZip": "",
        }
        for index in range(message.media):
            form[f"MediaContentType{index}"] = "image/jpeg"
            form[f"MediaUrl{index}"] = f"https://api.twilio.com/2010-04-01/Accounts/{self._account_sid}/Media/{index}"
        return form

    def status_form(self, message: Message) -> dict[str, str]:
        """Return the form of a status report."""
        form = {
            "AccountSid": self._account_sid,
            "ApiVersion": "2010-04-01",
            "From": message.sender,
            "MessageSid": message.sid,
            "MessageStatus": message.status,
            "SmsSid": message.sid,
            "SmsStatus": message.status,
            "To": message.to,
        }
        if message.service_sid:
            form["MessagingServiceSid"] = message.service_sid
        if message.status == "undelivered":
            form["ErrorCode"] = str(message.error_code)
        return form

    def page(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Return one page of the list, newest first, filtered by the query.

        Raises:
            Refused: a filter is invalid.
        """
        size = min(max(_number(query.get("PageSize", "50")), 1), 1000)
        number = _number(query.get("Page", "0"))
        bounds = {name: _moment(query[name]) for name in ("DateSent", "DateSent<", "DateSent>") if name in query}
        found = [message for message in reversed(self.messages) if _matches(message, query, bounds)]
        start = number * size
        shown = found[start : start + size]

        def uri(page: int) -> str:
            return f"{path}?{urlencode({**query, 'PageSize': size, 'Page': page})}"

        return {
            "end": start + len(shown) - 1 if shown else start,
            "first_page_uri": uri(0),
            "messages": [message.as_json() for message in shown],
            "next_page_uri": uri(number + 1) if start + size < len(found) else None,
            "page": number,
            "page_size": size,
            "previous_page_uri": uri(number - 1) if number else None,
            "start": start,
            "uri": uri(number),
        }


def _matches(message: Message, query: Mapping[str, str], bounds: Mapping[str, datetime]) -> bool:
    if query.get("To", message.to) != message.to or query.get("From", message.sender) != message.sender:
        return False
    if message.sent is None:
        return not bounds
    return (
        message.sent >= bounds.get("DateSent>", message.sent)
        and message.sent <= bounds.get("DateSent<", message.sent)
        and message.sent.date() == bounds.get("DateSent", message.sent).date()
    )


def _moment(text: str) -> datetime:
    """Parse a day, or a day and a time, in UTC."""
    try:
        if len(text) == len("2026-01-31"):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise Refused(400, 20001, f"Invalid date: {text}") from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Refused(400, 20001, f"Invalid page: {text}")
    return int(text)


def _new_sid() -> str:
    return f"SM{secrets.token_hex(16)}"


def _segments(body: str) -> int:
    """Return the number of segments, roughly: 160 or 153 characters each in GSM-7, otherwise 70 or 67."""
    units = len(body.encode("utf-16-le")) // 2
    alone, joined = (160, 153) if _GSM7.issuperset(body) else (70, 67)
    return 1 if units <= alone else -(-units // joined)
