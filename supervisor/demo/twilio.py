"""A stand-in for Twilio on loopback: the API for text messages, the webhooks, and failures that tests choose.

https://www.twilio.com/docs/messaging/api/message-resource. In the demo, a page shows the messages and sends new ones.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Self
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, encode_basic_auth, web
from twilio.request_validator import RequestValidator

from supervisor.demo.twilio_book import Book, Message, Refused, now

logger = logging.getLogger(__name__)

API = "/2010-04-01/Accounts/{account}"
"""The path of an account in Twilio's API."""

NUMBERS_OF_MEDIA = tuple(map(str, range(11)))
"""How many files a text message can carry, as Twilio writes it (`NumMedia`)."""

WEBHOOK_SECONDS = 15.0
"""How long Twilio waits for the response to a webhook. It calls the webhook of a message once."""


class Failure(StrEnum):
    """A failure of the next send."""

    ACCEPT_THEN_500 = "accept_then_500"
    """The message is accepted and sent; the response is a 500."""
    ERROR_500 = "error_500"
    """The message is not accepted; the response is a 500."""
    TOO_MANY = "too_many"
    """The message is not accepted; the response is a 429 with code 20429 and Retry-After."""
    HANG = "hang"
    """The message is accepted and sent; there is no response."""
    RESET = "reset"
    """The message is accepted and sent; the connection is closed without a response."""


class TwilioStandIn:
    """One Twilio account with one number, on a loopback port.

    Args:
        account_sid: `AC` and 32 hex digits.
        auth_token: the password of the API, and the key of the webhook signatures.
        number: our number.
        webhook_url: the webhook for received messages. It may be set later; messages from the page wait for it.
        port: 0 = a free port.
        progress_seconds: seconds between the states of a message: queued, sending, sent, delivered.
        price_seconds: seconds between the delivery of a message and its price.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        number: str = "+15005550006",
        webhook_url: str = "",
        port: int = 0,
        progress_seconds: float = 0.2,
        price_seconds: float = 2.0,
    ) -> None:
        self.account_sid = account_sid
        self._announced = asyncio.Event()
        self.webhook_url = webhook_url
        self.number = number
        self.callbacks_reversed = False
        """Whether the status reports of a message come in reverse order."""
        self.relays: set[int] = set()
        """Other ports of loopback that lead to this server."""
        self.book = Book(account_sid, number)
        self._credentials = encode_basic_auth(account_sid, auth_token)
        self._validator = RequestValidator(auth_token)
        self._port = port
        self.progress_seconds = progress_seconds
        self._price_seconds = price_seconds
        self._failures: deque[Failure] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._session: ClientSession | None = None
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)

    @property
    def url(self) -> str:
        """The URL of the server, `http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def webhook_url(self) -> str:
        """The webhook for received messages; empty = not set yet."""
        return self._webhook_url

    @webhook_url.setter
    def webhook_url(self, url: str) -> None:
        self._webhook_url = url
        if url:
            self._announced.set()
        else:
            self._announced.clear()

    @property
    def messages(self) -> list[Message]:
        """All messages in both directions, oldest first."""
        return self.book.messages

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        self._session = ClientSession(timeout=ClientTimeout(total=WEBHOOK_SECONDS), cookie_jar=DummyCookieJar())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._closing.set()
        self._announced.set()  # ends the wait of whoever writes
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def fail_next(self, failure: Failure | str) -> None:
        """Make the next send fail. Several calls make as many sends fail, in order."""
        self._failures.append(Failure(failure))

    async def receive(
        self,
        sender: str,
        body: str,
        *,
        url: str = "",
        announce: bool = True,
        media: int = 0,
        sid: str = "",
        opt_out_type: str = "",
    ) -> int | None:
        """Receive a message for our number and call the webhook once.

        Args:
            url: the webhook; empty = `webhook_url`.
            announce: False = only add the message to the list, as after a failed webhook.
            media: the number of attached files.
            sid: call the webhook of this earlier message again; empty = a new message.

        Returns:
            The HTTP status of the response; None = no response within `WEBHOOK_SECONDS`, or `announce` is False.
        """
        message = self.book.find(sid) if sid else self.book.received(sender, body, media)
        if message is None:
            raise ValueError(f"no message {sid}")
        if not announce:
            return None
        form = self.book.webhook_form(message)
        if opt_out_type:
            form["OptOutType"] = opt_out_type
        return await self._announce(url or self.webhook_url, form)

    def sign(self, url: str, form: dict[str, str]) -> str:
        """Return Twilio's signature of a webhook."""
        signature: str = self._validator.compute_signature(url, form)
        return signature

    async def _announce(self, url: str, form: dict[str, str]) -> int | None:
        if self._session is None:
            raise RuntimeError("the stand-in is not running")
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": self.sign(url, form),
            "I-Twilio-Idempotency-Token": secrets.token_hex(16),
        }
        try:
            async with self._session.post(
                url, data=urlencode(form), headers=headers, allow_redirects=False
            ) as response:
                await response.read()
        except (ClientError, TimeoutError) as error:
            logger.warning("stand-in for Twilio: webhook %s failed: %s", url, type(error).__name__)
            return None
        if response.status >= 400:
            logger.warning("stand-in for Twilio: webhook %s answered %d", url, response.status)
        return response.status

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard])
        messages = API + "/Messages"
        application.add_routes(
            [
                web.get("/", self._show, allow_head=False),
                web.post("/", self._text),
                web.post(messages + ".json", self._create),
                web.get(messages + ".json", self._list, allow_head=False),
                web.get(messages + "/{sid}.json", self._fetch, allow_head=False),
                web.get(API + "/IncomingPhoneNumbers.json", self._numbers, allow_head=False),
                web.post(API + "/IncomingPhoneNumbers/{sid}.json", self._set_number),
            ]
        )
        return application

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refuse browsers, as web pages could reach loopback through them, and check the password of the API."""
        hosts = [f"{host}:{port}" for port in (self._port, *self.relays) for host in ("127.0.0.1", "localhost")]
        if request.headers.get("Host") not in hosts or "Origin" in request.headers:
            raise web.HTTPForbidden(text="only programs on this machine may use this\n")
        if request.path != "/":
            given = request.headers.get("Authorization", "")
            account = request.match_info.get("account")
            if not hmac.compare_digest(given.encode(), self._credentials.encode()) or account != self.account_sid:
                return Refused(401, 20003, "Authenticate").response()
        try:
            return await handler(request)
        except Refused as refused:
            return refused.response()

    async def _show(self, request: web.Request) -> web.Response:
        """The page: list the messages, newest last."""
        lines = [
            f"{'to ' + m.to if m.outgoing else 'from ' + m.sender} [{m.status}]\n{m.body}\n" for m in self.messages
        ]
        text = "\n".join(lines) or "No text messages yet.\n"
        example = f"curl --data-urlencode From=+15551234567 --data-urlencode Body='your text' {self.url}/"
        hint = f"\nText {self.number}:  {example}\n"
        return web.Response(text=text + hint)

    async def _text(self, request: web.Request) -> web.Response:
        """The page: send a message to our number."""
        form = await request.post()
        # In a form, a plus that is not escaped is a space.
        sender, body = str(form.get("From", "")).replace(" ", "+"), str(form.get("Body", ""))
        media = str(form.get("NumMedia", "0"))
        if not sender:
            raise web.HTTPUnprocessableEntity(text="From is missing\n")
        if media not in NUMBERS_OF_MEDIA:
            raise web.HTTPUnprocessableEntity(text="NumMedia must be a number from 0 to 10\n")
        await self._announced.wait()  # however long the daemon takes to start
        if not self.webhook_url:
            raise web.HTTPServiceUnavailable(text="the daemon ended before it was ready\n")
        status = await self.receive(sender, body, media=int(media))
        return web.Response(text=f"the webhook answered {status or 'nothing'}\n", status=200 if status == 200 else 502)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        failure = self._failures.popleft() if self._failures else None
        if failure is Failure.TOO_MANY:
            response = Refused(429, 20429, "Too Many Requests").response()
            response.headers["Retry-After"] = "3"
            return response
        if failure is Failure.ERROR_500:
            return Refused(500, 20500, "Internal Server Error").response()
        form = {name: str(value) for name, value in (await request.post()).items()}
        message = self.book.create(form)
        logger.info("stand-in for Twilio: text to %s (%d segments):\n%s", message.to, message.segments, message.body)
        # The response has the first state of the message.
        response = web.json_response(message.as_json(), status=201)
        task = asyncio.create_task(
            self._deliver(message, form.get("StatusCallback", "")), name=f"deliver {message.sid}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        match failure:
            case Failure.ACCEPT_THEN_500:
                return Refused(500, 20500, "Internal Server Error").response()
            case Failure.HANG:
                await self._closing.wait()
            case Failure.RESET if request.transport is not None:
                request.transport.close()
            case _:
                pass  # the response is sent
        return response

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(self.book.page(request.path, request.query))

    async def _fetch(self, request: web.Request) -> web.Response:
        message = self.book.find(request.match_info["sid"])
        if message is None:
            raise Refused(404, 20404, f"The requested resource {request.path} was not found")
        return web.json_response(message.as_json())

    async def _numbers(self, request: web.Request) -> web.Response:
        wanted = request.query.get("PhoneNumber", self.number)
        found = [self._number()] if wanted == self.number else []
        return web.json_response({"incoming_phone_numbers": found, "page": 0, "page_size": 50, "next_page_uri": None})

    async def _set_number(self, request: web.Request) -> web.Response:
        if request.match_info["sid"] != self._number()["sid"]:
            raise Refused(404, 20404, f"The requested resource {request.path} was not found")
        self.webhook_url = str((await request.post()).get("SmsUrl", self.webhook_url))
        return web.json_response(self._number())

    def _number(self) -> dict[str, str]:
        sid = "PN" + self.account_sid[2:]
        return {"sid": sid, "phone_number": self.number, "sms_url": self.webhook_url, "sms_method": "POST"}

    async def _deliver(self, message: Message, callback: str) -> None:
        """Move a message through its states, and report "sent" and the last state."""
        last = "undelivered" if message.error_code else "delivered"
        reports: list[dict[str, str]] = []
        for status in ("sending", "sent", last):
            await asyncio.sleep(self.progress_seconds)
            message.status = status
            message.sender = message.sender or self.number  # the messaging service chooses the number
            message.updated = now()
            if status == "sent":
                message.sent = message.updated
            form = self.book.status_form(message)
            if status == "sending":
                continue
            if self.callbacks_reversed:
                reports.insert(0, form)
            else:
                await self._report(callback, form)
        for form in reports:
            await self._report(callback, form)
        await asyncio.sleep(self._price_seconds)
        message.price = f"-{message.segments * 0.0079:.5f}"

    async def _report(self, callback: str, form: dict[str, str]) -> None:
        if callback:
            await self._announce(callback, form)
