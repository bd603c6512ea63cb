"""Twilio's Messages API through the twilio client, with failures mapped to those of a channel.

https://www.twilio.com/docs/messaging/api/message-resource

Our own transport replaces AsyncTwilioHttpClient, which ignores its timeout, logs phone numbers, and may repeat a POST
after a 5xx. Messages have no idempotency key, so the user would get two texts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    encode_basic_auth,
)
from twilio.base import values
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from channels.sms.twilio.clock import TwilioClock
from channels.sms.twilio.failures import refusal
from supervisor.protocol.errors import DeliveryFailure, OutcomeUnknown, TemporaryFailure
from supervisor.protocol.ports.channel import Unreachable

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
"""Timeout for connecting. When it expires, nothing was written, so the message is certainly not sent."""

REQUEST_SECONDS = 10.0
"""Timeout for a whole request."""

_PAGE_SIZE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message resource of Twilio.

    Attributes:
        sender: the number that it comes from; empty = the messaging service has not chosen one yet.
        status: Twilio's MessageStatus.
        error_code: Twilio's error code; empty = there is none.
        segments: the number of segments; 0 = not known yet.
        media: the number of attached files.
        price_nanos: the price in nanodollars; None = not known yet, or not in US dollars.
        created: when Twilio accepted the message, in UTC.
        sent: when Twilio sent the message or passed it to us, in UTC; None = not yet.
    """

    sid: str
    sender: str
    to: str
    body: str
    outgoing: bool
    status: str
    error_code: str
    segments: int
    media: int
    service_sid: str
    price_nanos: int | None
    created: datetime | None
    sent: datetime | None


class TwilioApi:
    """The requests that the channel needs. `open_api` creates it."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def send(self, *, to: str, body: str, sender: str, service_sid: str, status_callback: str) -> Message:
        """Send a message once.

        Args:
            sender: our number; it may be empty if `service_sid` is set.
            status_callback: the URL for status reports.

        Raises:
            Unreachable: Twilio could not be reached.
            TemporaryFailure: there are too many requests.
            PermanentFailure: Twilio refused the message.
            OutcomeUnknown: any other failure after the request was sent.
        """
        with _sending():
            created = await self._client.messages.create_async(
                to=to,
                body=body,
                from_=sender or values.unset,
                messaging_service_sid=service_sid or values.unset,
                status_callback=status_callback,
                smart_encoded=True,
            )
            message = _message(created)
            if not message.sid:
                raise OutcomeUnknown("Twilio answered without the id of the message")
            return message

    async def find(
        self, *, to: str = "", sender: str = "", since: datetime | None = None
    ) -> AsyncGenerator[Message, None]:
        """Yield messages, newest first.

        Args:
            to: only messages to this number; empty = to any.
            sender: only messages from this number; empty = from any.
            since: only messages sent since then, in UTC; None = any time. Queued messages have no time of sending.

        Raises:
            TemporaryFailure: Twilio cannot be asked now.
        """
        with _asking():
            stream = await self._client.messages.stream_async(
                to=to or values.unset,
                from_=sender or values.unset,
                date_sent_after=since or values.unset,
                page_size=_PAGE_SIZE,
            )
            async for record in stream:
                yield _message(record)

    async def set_webhook(self, number: str, url: str) -> bool:
        """Let Twilio call a URL for each text to one of our numbers; False = the account has no such number.

        Raises:
            TemporaryFailure: Twilio cannot be asked now, or refused.
        """
        with _asking():
            numbers = self._client.incoming_phone_numbers
            found = await numbers.list_async(phone_number=number, limit=1)
            if found:
                await numbers(found[0].sid).update_async(sms_url=url, sms_method="POST")
            return bool(found)

    async def fetch(self, sid: str) -> Message:
        """Return the current state of a message.

        Raises:
            TemporaryFailure: Twilio cannot be asked now.
        """
        with _asking():
            return _message(await self._client.messages(sid).fetch_async())


@asynccontextmanager
async def open_api(
    *,
    account_sid: str,
    token: str,
    origin: str,
    clock: TwilioClock,
    request_seconds: float = REQUEST_SECONDS,
) -> AsyncIterator[TwilioApi]:
    """Open the connections to Twilio; they are closed when the context ends.

    Args:
        origin: scheme and host instead of https://api.twilio.com; empty = that one.
        clock: hears the time of each reply.
        request_seconds: timeout for a whole request.
    """
    limits = ClientTimeout(total=None, connect=CONNECT_SECONDS)
    async with ClientSession(timeout=limits, cookie_jar=DummyCookieJar()) as session:
        # This replaces os.environ, where TWILIO_EDGE and TWILIO_REGION would change the host.
        environment = {"TWILIO_EDGE": ""}
        transport = _Transport(session, origin, request_seconds, clock)
        yield TwilioApi(Client(account_sid, token, http_client=transport, environment=environment))


class _Transport(AsyncHttpClient):  # type: ignore[misc]  # twilio has no types
    """Transport of the twilio client: sends each request once, with a timeout, and logs nothing."""

    def __init__(self, session: ClientSession, origin: str, request_seconds: float, clock: TwilioClock) -> None:
        super().__init__(logger, is_async=True)
        self._clock = clock
        self._session = session
        self._request_seconds = request_seconds
        self._origin = urlsplit(origin) if origin else None

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Make one request.

        Raises:
            TemporaryFailure: status 429; the errors of the twilio client have no Retry-After.
            TimeoutError: the request took longer than `request_seconds`.
            ClientError: the connection failed.
        """
        if self._origin is not None:
            uri = urlsplit(uri)._replace(scheme=self._origin.scheme, netloc=self._origin.netloc).geturl()
        sent_headers = dict(headers or {})
        if auth is not None:
            sent_headers["Authorization"] = encode_basic_auth(*auth)
        async with (
            asyncio.timeout(self._request_seconds),
            self._session.request(
                method, uri, params=params, data=data, headers=sent_headers, allow_redirects=False
            ) as response,
        ):
            self._clock.hear(response.headers.get("Date", ""))
            text = await response.text()
        if response.status == 429:
            raise refusal(429, None, _seconds(response.headers.get("Retry-After", "")))
        return Response(response.status, text, response.headers)


@contextmanager
def _sending() -> Iterator[None]:
    """Map the exceptions of a send to the failures of a channel."""
    try:
        yield
    except DeliveryFailure:
        raise
    except (TwilioRestException, TwilioServiceException) as error:
        raise refusal(error.status, error.code) from error
    except (ClientConnectorError, ConnectionTimeoutError) as error:
        raise Unreachable(f"Twilio could not be reached: {error}") from error
    except TimeoutError as error:
        raise OutcomeUnknown("Twilio did not answer in time") from error
    except (ClientError, OSError) as error:
        raise OutcomeUnknown("the connection to Twilio broke while it took the message") from error
    except (TwilioException, ValueError, TypeError, AttributeError) as error:
        raise OutcomeUnknown("Twilio's answer could not be read") from error


@contextmanager
def _asking() -> Iterator[None]:
    """Map the exceptions of a read request to TemporaryFailure, and to Unreachable where there was no answer."""
    try:
        yield
    except DeliveryFailure as error:
        raise TemporaryFailure(error.why, retry_after=getattr(error, "retry_after", None)) from error
    except (TwilioRestException, TwilioServiceException) as error:
        raise TemporaryFailure(refusal(error.status, error.code).why) from error
    except (ClientError, OSError) as error:
        raise Unreachable(f"Twilio could not be reached ({type(error).__name__})") from error
    except (TwilioException, ValueError, TypeError, AttributeError) as error:
        # A TwilioException contains the response with its messages, which must not be logged.
        raise TemporaryFailure(f"Twilio could not be asked ({type(error).__name__})") from error


def _message(record: Any) -> Message:
    return Message(
        sid=record.sid or "",
        sender=record.from_ or "",
        to=record.to or "",
        body=record.body or "",
        outgoing=str(record.direction or "").startswith("outbound"),
        status=str(record.status or ""),
        error_code=str(record.error_code or ""),
        segments=int(record.num_segments or 0),
        media=int(record.num_media or 0),
        service_sid=record.messaging_service_sid or "",
        price_nanos=to_nanodollars(record.price, record.price_unit),
        created=_utc(record.date_created),
        sent=_utc(record.date_sent),
    )


def _utc(time: datetime | None) -> datetime | None:
    return time.astimezone(UTC) if time is not None else None


def to_nanodollars(price: str | None, unit: str | None) -> int | None:
    """Return a price of Twilio, a negative decimal string, in nanodollars; None = no price, or another currency."""
    if price is None or (unit or "").upper() != "USD":
        return None
    try:
        return int((-Decimal(price) * 1_000_000_000).to_integral_value())
    except (InvalidOperation, ValueError, OverflowError):
        return None


def _seconds(retry_after: str) -> float | None:
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
