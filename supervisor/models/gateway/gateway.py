"""The one way to a model: a loopback gateway to the Messages API that adds the key, meters, and cuts."""

from __future__ import annotations

import hashlib
import io
import logging
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from supervisor.models.api_errors import LARGEST_BODY, error_response, in_api_shape
from supervisor.models.gateway.call_size import Unmetered, read_call_size
from supervisor.models.gateway.meter import CallRecord, Meter, Metered
from supervisor.models.gateway.usage import MessageReader, StreamReader, UsageReader
from supervisor.models.prices import PriceList
from supervisor.protocol.conversation import ModelEndpoint

logger = logging.getLogger(__name__)

PATIENCE = 0.5
"""Seconds that calls in flight may take to end when it is closed."""

LARGE_BODY = 1024 * 1024
"""Bytes of a request that are written at once."""

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""RFC 9110 section 7.6.1."""

NOT_FORWARDED = HOP_BY_HOP | {
    "accept-encoding",
    "authorization",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "host",
    "x-api-key",
}
"""What the caller's request loses: its credentials, and what belongs to its connection alone."""


NOT_RETURNED = HOP_BY_HOP | {"set-cookie"}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token stands for."""

    owner: str
    meter: Meter


class Gateway:
    """Lets the holders of its tokens call the Messages API, without ever showing them the key.

    Args:
        upstream: base URL of the real API, or of the offline model.
        api_key: None where the upstream needs none.
        port: 0 takes a free one.
        connect_timeout: seconds to reach the upstream.
        read_timeout: seconds that the upstream may stay silent, before and between the pieces of an answer.

    Raises:
        OSError: on entering, where the port is taken.
    """

    def __init__(
        self,
        *,
        upstream: str,
        api_key: str | None,
        prices: PriceList,
        host: str = "127.0.0.1",
        port: int = 0,
        connect_timeout: float = 10.0,
        read_timeout: float = 600.0,
    ) -> None:
        self._upstream = upstream.rstrip("/")
        self._api_key = api_key
        self._prices = prices
        self._host = host
        self._port = port
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout, sock_read=read_timeout)
        self._grants: dict[bytes, Grant] = {}
        self._metered: dict[str, Metered] = {}
        self._client: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    def __repr__(self) -> str:
        return f"Gateway({self.url} -> {self._upstream})"

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash; known once it is entered."""
        return f"http://{self._host}:{self._port}"

    async def __aenter__(self) -> Gateway:
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[in_api_shape])
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/messages/count_tokens", self._count_tokens)
        app.router.add_route("HEAD", "/api/hello", self._hello)
        app.router.add_route("*", "/{path:.*}", self._not_found)
        # Without handler_cancellation a caller that leaves would not end the call that it has made.
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=PATIENCE)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = runner.addresses[0][1]
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            skip_auto_headers=("User-Agent",),
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._client is not None:
            await self._client.close()
            self._client = None

    def issue(self, owner: str, meter: Meter) -> ModelEndpoint:
        """Return a way in, of this owner alone; what comes by it is told to that meter."""
        token = secrets.token_urlsafe(32)
        self._grants[_digest(token)] = Grant(owner, meter)
        return ModelEndpoint(base_url=self.url, token=token)

    def revoke(self, token: str) -> None:
        """Let nothing more in by this token; calls in flight end and are metered. Unknown tokens are no error."""
        self._grants.pop(_digest(token), None)

    def metered(self) -> Mapping[str, Metered]:
        """Return what all finished calls since it was made sum up to, by model."""
        return MappingProxyType(dict(self._metered))

    async def _hello(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _not_found(self, request: web.Request) -> web.Response:
        return error_response(404, f"this gateway passes on model calls only, not {request.method} {request.path}")

    async def _count_tokens(self, request: web.Request) -> web.StreamResponse:
        if self._grant(request) is None:
            return _forbidden()
        raw = await request.read()
        if self._grant(request) is None:  # it may have ended while the body came
            return _forbidden()
        return await self._forward(request, raw, None)

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        grant = self._grant(request)
        if grant is None:
            return _forbidden()
        raw = await request.read()
        try:
            size = read_call_size(raw)
        except Unmetered as unmetered:
            return error_response(400, unmetered.why)
        try:
            # The dearest way to read a prompt is to keep it in the cache for an hour.
            most = self._prices.most(size.model, size.prompt_tokens, size.max_tokens)
            refusal = await grant.meter.admit(size.model, size.max_tokens, most_nanos=most)
        except Exception:  # the limits must hold even where checking them fails
            logger.exception("%s: whether a model call is allowed could not be found out", grant.owner)
            return error_response(500, "the limits could not be checked", headers={"x-should-retry": "false"})
        if refusal is not None:
            # 402 is the one answer that Claude Code neither retries nor rewords.
            return error_response(402, refusal)
        with CallRecord(
            owner=grant.owner,
            meter=grant.meter,
            model=size.model,
            prices=self._prices,
            totals=self._metered,
            agent_id=request.headers.get("x-claude-code-agent-id"),
            session_header=request.headers.get("x-claude-code-session-id"),
        ) as record:
            if self._grant(request) is None:  # it may have ended while the body came, or other calls were waited for
                return _forbidden()
            return await self._forward(request, raw, record)

    async def _forward(self, request: web.Request, raw: bytes, record: CallRecord | None) -> web.StreamResponse:
        assert self._client is not None, "requests come only while it is entered"
        query = request.rel_url.raw_query_string
        url = URL(f"{self._upstream}{request.path}{'?' if query else ''}{query}", encoded=True)
        # Bytes are written in one go; a large body is to be written piece by piece.
        body = raw if len(raw) <= LARGE_BODY else io.BytesIO(raw)
        try:
            # A redirect would carry the key somewhere else.
            call = self._client.post(url, data=body, headers=self._headers(request), allow_redirects=False)
            async with call as answer:
                return await _pass_on(request, answer, record)
        except aiohttp.ConnectionTimeoutError:
            why, status = "it did not accept the connection in time", 504
        except TimeoutError:
            why, status = "it did not answer in time", 504
        except aiohttp.ClientConnectorError as error:
            why, status = error.strerror or "connection failed", 502
        except aiohttp.ClientError:
            why, status = "it closed the connection without an answer", 502
        logger.warning("the model at %s cannot be reached: %s", self._upstream, why)
        return error_response(status, f"the model at {self._upstream} cannot be reached: {why}")

    def _headers(self, request: web.Request) -> CIMultiDict[str]:
        headers = _without(request.headers, NOT_FORWARDED)
        # Compressed usage could not be read; the meter is why this gateway exists.
        headers[hdrs.ACCEPT_ENCODING] = "identity"
        if self._api_key is not None:
            headers["x-api-key"] = self._api_key
        return headers

    def _grant(self, request: web.Request) -> Grant | None:
        scheme, _, bearer = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        token = request.headers.get("x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else "")
        # Looked up by digest: how long it takes says nothing about the tokens that exist.
        return self._grants.get(_digest(token))


async def _pass_on(
    request: web.Request, answer: aiohttp.ClientResponse, record: CallRecord | None
) -> web.StreamResponse:
    """Stream the upstream's answer to the caller, metering what passes."""
    if answer.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        logger.error("the model's answer came compressed although that was not asked for")
        return error_response(502, "the model's answer came compressed, and cannot be metered")
    reader: UsageReader | None = None
    if record is not None and answer.status == 200:
        reader = StreamReader() if answer.content_type == "text/event-stream" else MessageReader()
        record.follow(reader)
    response = web.StreamResponse(status=answer.status, headers=_without(answer.headers, NOT_RETURNED))
    try:
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            if reader is not None and record is not None:
                # Before it is passed on: what was written is owed, whether or not the caller is still there.
                reader.feed(chunk)
                record.note()
            await response.write(chunk)
        if reader is not None and record is not None:
            reader.close()
            record.note()
            if not reader.ended:
                return _break_off(request, response, "it has no end")
        await response.write_eof()
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        return _break_off(request, response, type(error).__name__)
    return response


def _break_off(request: web.Request, response: web.StreamResponse, why: str) -> web.StreamResponse:
    """Cut the caller's connection: an answer that ended cleanly would be taken for a whole one."""
    if request.transport is not None and not request.transport.is_closing():
        logger.warning("a model's answer broke off: %s", why)
        request.transport.abort()
    return response


def _without(headers: Mapping[str, str], names: Iterable[str]) -> CIMultiDict[str]:
    """Return headers without some, and without those that the sender names as its connection's own."""
    left = CIMultiDict(headers)
    named = [name.strip() for value in left.getall(hdrs.CONNECTION, []) for name in value.split(",")]
    for name in (*names, *named):
        left.popall(name, None)
    return left


def _digest(token: str) -> bytes:
    # A header may hold any bytes, which aiohttp gives as lone surrogates.
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()


def _forbidden() -> web.Response:
    # Not 401: Claude Code would try that again.
    return error_response(403, "this token is not known to the gateway; it ends with its session")
