"""A channel that runs against the Twilio stand-in, with a server for its webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from twilio.request_validator import RequestValidator

from channels.sms.channel import SmsChannel
from channels.sms.config import SmsConfig
from channels.sms.webhooks import STATUS_PATH, TEXT_PATH
from supervisor.demo.twilio import TwilioStandIn
from supervisor.protocol.messages import Address, Outbound, OutboxId
from supervisor.protocol.ports.channel import Channel
from supervisor.protocol.ports.web import WebRequest, WebResponse
from tests.channels.hosts import RecordingHost
from tests.slowness import scaled

ACCOUNT = "AC" + "0123456789abcdef" * 2
SERVICE = "MG" + "0123456789abcdef" * 2
TOKEN = "canary-9f8e7d6c5b4a39281706f5e4d3c2b1a0"
OUR_NUMBER = "+15005550006"
PERSON = "+15551234567"
PUBLIC_URL = "https://xswarm.example.org"


class Clock:
    """A clock that is set by hand, in seconds since 1970 UTC."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def recording_host(**secrets: str) -> RecordingHost:
    """Return a host with all that an SMS channel needs."""
    return RecordingHost(public_url=PUBLIC_URL, secrets={"TWILIO_AUTH_TOKEN": TOKEN, **secrets})


def outbound(text: str = "done", *, number: int = 1, to: str = PERSON, **fields: Any) -> Outbound:
    """Return a reply; its id follows from `number`."""
    outbox_id = OutboxId(f"0198f000-0000-7000-8000-{number:012d}")
    return Outbound(
        id=outbox_id, channel="sms", account=OUR_NUMBER, to=Address(kind="sms", value=to), text=text, **fields
    )


def text_form(**changed: str) -> dict[str, str]:
    """Return the form of a text message, blank fields included, as Twilio posts it."""
    form = {
        "AccountSid": ACCOUNT,
        "Body": "claude: what’s new? & naïve 中文 🎉",
        "From": PERSON,
        "FromCity": "",
        "MessageSid": "SM" + "a" * 32,
        "NumMedia": "0",
        "To": OUR_NUMBER,
    }
    return form | changed


def signed(
    form: dict[str, str],
    *,
    path: str = TEXT_PATH,
    query: str = "",
    token: str = TOKEN,
    public_url: str = PUBLIC_URL,
    signed_url: str = "",
) -> WebRequest:
    """Return a request as the core passes it on, signed by twilio's own code.

    Args:
        signed_url: what Twilio takes for our URL, where that differs.
    """
    url = public_url + path + (f"?{query}" if query else "")
    return WebRequest(
        method="POST",
        path=path,
        query=query,
        url=url,
        headers={
            "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
            "x-twilio-signature": RequestValidator(token).compute_signature(signed_url or url, form),
        },
        body=urlencode(form).encode(),
    )


async def call(channel: Channel, request: WebRequest) -> WebResponse:
    """Hand a request to the route that it is for."""
    (handler,) = (route.handler for route in channel.routes() if route.path == request.path)
    return await handler(request)


@dataclass(slots=True)
class Running:
    """A channel that runs, the Twilio it talks to, and the host that it talks for."""

    channel: SmsChannel
    host: RecordingHost
    twilio: TwilioStandIn
    clock: Clock


@asynccontextmanager
async def running(
    clock: Clock,
    *,
    host: RecordingHost | None = None,
    twilio: TwilioStandIn | None = None,
    request_seconds: float = scaled(10.0),
    price_delays: tuple[float, ...] = (0.02, 0.02, 0.02, 0.5, 5.0),
    marks: Mapping[str, int] | None = None,
    **settings: Any,
) -> AsyncIterator[Running]:
    """Run a channel, its webhooks on loopback and, where none is given, a stand-in for Twilio."""
    async with _webhook_server() as server:
        host = host or RecordingHost(public_url=server.url, secrets={"TWILIO_AUTH_TOKEN": TOKEN})
        host.marks |= marks or {}
        own = twilio or TwilioStandIn(ACCOUNT, TOKEN, number=OUR_NUMBER, progress_seconds=0.01, price_seconds=0.05)
        own.webhook_url = server.url + TEXT_PATH
        async with _entered(own, enter=twilio is None):
            settings = {"account_sid": ACCOUNT, "from_number": OUR_NUMBER, "api_url": own.url} | settings
            channel = SmsChannel(
                SmsConfig(**settings),
                host,
                tokens=[TOKEN],
                status_key=host.generated_secret("twilio-status"),
                clock=clock,
                request_seconds=request_seconds,
                price_delays=price_delays,
            )
            server.channel = channel
            async with run_channel(channel):
                yield Running(channel=channel, host=host, twilio=own, clock=clock)


@asynccontextmanager
async def run_channel(channel: SmsChannel) -> AsyncIterator[None]:
    """Run a channel until the context ends, and see that nothing but the cancelling ended it."""
    ready = asyncio.Event()
    task = asyncio.create_task(channel.run(ready.set), name="channel under test")
    waiter = asyncio.create_task(ready.wait(), name="ready")
    try:
        await asyncio.wait((task, waiter), return_when=asyncio.FIRST_COMPLETED)
        assert ready.is_set(), task
        yield
    finally:
        waiter.cancel()
        assert task.cancel(), "the channel ended by itself"
        await asyncio.wait((task,))
        assert task.cancelled(), task.exception()


@asynccontextmanager
async def _entered(twilio: TwilioStandIn, *, enter: bool) -> AsyncIterator[None]:
    if enter:
        async with twilio:
            yield
    else:
        yield


class _WebhookServer:
    """Hands requests to the channel as the core does."""

    def __init__(self) -> None:
        self.url = ""
        self.channel: SmsChannel | None = None

    async def handle(self, request: web.Request) -> web.Response:
        assert self.channel is not None
        response = await call(
            self.channel,
            WebRequest(
                method=request.method,
                path=request.path,
                query=request.rel_url.raw_query_string,
                url=self.url + request.raw_path,
                headers={name.lower(): value for name, value in request.headers.items()},
                body=await request.read(),
            ),
        )
        return web.Response(
            status=response.status,
            body=response.body,
            headers={"Content-Type": response.content_type, **response.headers},
        )


@asynccontextmanager
async def _webhook_server() -> AsyncIterator[_WebhookServer]:
    server = _WebhookServer()
    application = web.Application()
    for path in (TEXT_PATH, STATUS_PATH):
        application.router.add_post(path, server.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()
