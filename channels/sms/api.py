"""Twilio's API: twilio's client over a transport of our own, with every failure said in the terms of a channel.

The transport replaces twilio's AsyncTwilioHttpClient, which ignores its time-out, logs phone numbers, and can repeat a
POST after a 5xx although a message has no idempotency key: two texts for one.
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

from channels.sms.failures import refusal
from supervisor.protocol.errors import DeliveryFailure, OutcomeUnknown, TemporaryFailure

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
"""Up to here nothing was written, so the message is certainly not sent."""

REQUEST_SECONDS = 10.0
"""For a whole request."""

_PAGE_SIZE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message in Twilio's books.

    Attributes:
        sender: our number or theirs; empty while a messaging service has not chosen one.
        status: Twilio's word for it.
        error_code: why it did not arrive, empty where there is nothing to say.
        segments: how many it takes; 0 where Twilio does not know yet.
        price_nanos: what it cost in nanodollars; None where that is not known yet or not in dollars.
        created: when Twilio took it, in UTC.
        sent: when Twilio sent it or passed it to us, in UTC; None before that.
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
    """The few requests that a channel makes. Made by `open_api`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def send(self, *, to: str, body: str, sender: str, service_sid: str, status_callback: str) -> Message:
        """Send a message once.

        Args:
            sender: our number; may be empty where `service_sid` is not.
            status_callback: the URL that hears what becomes of it.

        Raises:
            TemporaryFailure: it could not be reached, or is asked too often.
            PermanentFailure: it refused.
            OutcomeUnknown: anything else after the request was on its way.
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
            to: only those to this number.
            sender: only those from this number.
            since: only those sent since then, in UTC. A message that still waits to be sent has no such time.

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

    async def fetch(self, sid: str) -> Message:
        """Return a message as it stands.

        Raises:
            TemporaryFailure: Twilio cannot be asked now.
        """
        with _asking():
            return _message(await self._client.messages(sid).fetch_async())


@asynccontextmanager
async def open_api(
    *, account_sid: str, token: str, origin: str, request_seconds: float = REQUEST_SECONDS
) -> AsyncIterator[TwilioApi]:
    """Open connections to Twilio for as long as the context lasts.

    Args:
        origin: scheme and host in place of https://api.twilio.com, or empty.
        request_seconds: for a whole request, connecting and reading included.
    """
    limits = ClientTimeout(total=None, connect=CONNECT_SECONDS)
    async with ClientSession(timeout=limits, cookie_jar=DummyCookieJar()) as session:
        # The environment stands in for os.environ, where TWILIO_EDGE and TWILIO_REGION would change the host.
        environment = {"TWILIO_EDGE": ""}
        transport = _Transport(session, origin, request_seconds)
        yield TwilioApi(Client(account_sid, token, http_client=transport, environment=environment))


class _Transport(AsyncHttpClient):  # type: ignore[misc]  # twilio has no types
    """Carries twilio's requests: once each, within a time that holds, and without a word in the log."""

    def __init__(self, session: ClientSession, origin: str, request_seconds: float) -> None:
        super().__init__(logger, is_async=True)
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
            TemporaryFailure: status 429, which twilio's own errors would strip of its Retry-After.
            TimeoutError: it took longer than `request_seconds`.
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
            text = await response.text()
        if response.status == 429:
            raise refusal(429, None, _seconds(response.headers.get("Retry-After", "")))
        return Response(response.status, text, response.headers)


@contextmanager
def _sending() -> Iterator[None]:
    """Turn the failures of a send into those of a channel."""
    try:
        yield
    except DeliveryFailure:
        raise
    except (TwilioRestException, TwilioServiceException) as error:
        raise refusal(error.status, error.code) from error
    except (ClientConnectorError, ConnectionTimeoutError) as error:
        raise TemporaryFailure(f"Twilio could not be reached: {error}") from error
    except TimeoutError as error:
        raise OutcomeUnknown("Twilio did not answer in time") from error
    except (ClientError, OSError) as error:
        raise OutcomeUnknown("the connection to Twilio broke while it took the message") from error
    except (TwilioException, ValueError, TypeError, AttributeError) as error:
        raise OutcomeUnknown("Twilio's answer could not be read") from error


@contextmanager
def _asking() -> Iterator[None]:
    """Turn the failures of a question, which changes nothing, into "ask again later"."""
    try:
        yield
    except DeliveryFailure as error:
        raise TemporaryFailure(error.why, retry_after=getattr(error, "retry_after", None)) from error
    except (TwilioRestException, TwilioServiceException) as error:
        raise TemporaryFailure(refusal(error.status, error.code).why) from error
    except (TwilioException, ClientError, OSError, ValueError, TypeError, AttributeError) as error:
        # TwilioException: what a page is refused with; it holds the answer, which is not for a log.
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
    """Return Twilio's price, a negative decimal string, as what it costs; None for no price or another currency."""
    if price is None or (unit or "").upper() != "USD":
        return None
    try:
        return int((-Decimal(price) * 1_000_000_000).to_integral_value())
    except (InvalidOperation, ValueError, OverflowError):
        return None


def _seconds(retry_after: str) -> float | None:
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None
