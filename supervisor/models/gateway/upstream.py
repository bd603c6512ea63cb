"""The HTTP client of the gateway: forwards one call to the Messages API and streams the answer back, metered."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Mapping

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from supervisor.models.api_errors import error_response
from supervisor.models.gateway.call_record import CallRecord
from supervisor.models.gateway.usage import MessageReader, StreamReader, UsageReader

logger = logging.getLogger(__name__)

LARGE_BODY = 1024 * 1024
"""Size of a request body, in bytes, up to which it is written in one piece."""

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
"""Headers of one connection, which a proxy removes (RFC 9110 section 7.6.1)."""

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
"""Request headers that are removed: the caller's credentials, and the headers of its connection or encoding."""

NOT_RETURNED = HOP_BY_HOP | {"set-cookie"}
"""Response headers that are removed."""


class UpstreamClient:
    """Forwards requests to the Messages API with the API key.

    Args:
        url: base URL of the API.
        api_key: None = the API needs no key.
        connect_timeout: seconds to connect.
        read_timeout: seconds without a byte, before and during an answer.

    Attributes:
        url: the base URL, without a trailing slash.
    """

    def __init__(self, url: str, api_key: str | None, *, connect_timeout: float, read_timeout: float) -> None:
        self.url = url.rstrip("/")
        self._api_key = api_key
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout, sock_read=read_timeout)
        self._client: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Create the connection pool. Requires a running event loop."""
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            skip_auto_headers=("User-Agent",),
            auto_decompress=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connection pool. It may run twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def forward(self, request: web.Request, raw: bytes, record: CallRecord | None) -> web.StreamResponse:
        """Send a request to the API and stream the answer to the caller.

        Args:
            request: the caller's request.
            raw: its body.
            record: counts the tokens of the answer; None = the call is free.

        Returns:
            The response, already sent; or an error response of 502 or 504 when the API cannot be reached.
        """
        assert self._client is not None, "requests arrive only while the client is open"
        query = request.rel_url.raw_query_string
        url = URL(f"{self.url}{request.path}{'?' if query else ''}{query}", encoded=True)
        # aiohttp writes bytes in one piece and a file in chunks.
        body = raw if len(raw) <= LARGE_BODY else io.BytesIO(raw)
        try:
            # A redirect would send the key to another place.
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
        logger.warning("the model at %s cannot be reached: %s", self.url, why)
        return error_response(status, f"the model at {self.url} cannot be reached: {why}")

    def _headers(self, request: web.Request) -> CIMultiDict[str]:
        headers = _without(request.headers, NOT_FORWARDED)
        # The token counts of a compressed answer cannot be read.
        headers[hdrs.ACCEPT_ENCODING] = "identity"
        if self._api_key is not None:
            headers["x-api-key"] = self._api_key
        return headers


async def _pass_on(
    request: web.Request, answer: aiohttp.ClientResponse, record: CallRecord | None
) -> web.StreamResponse:
    """Stream the API's answer to the caller and count its tokens."""
    if answer.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        logger.error("the model's answer is compressed although the gateway asked for identity")
        return error_response(502, "the model's answer is compressed and cannot be metered")
    reader: UsageReader | None = None
    if record is not None and answer.status == 200:
        reader = StreamReader() if answer.content_type == "text/event-stream" else MessageReader()
        record.follow(reader)
    response = web.StreamResponse(status=answer.status, headers=_without(answer.headers, NOT_RETURNED))
    try:
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            if reader is not None and record is not None:
                # Count first: the API charges for this output even if the caller has disconnected.
                reader.feed(chunk)
                record.note()
            await response.write(chunk)
        if reader is not None and record is not None:
            reader.close()
            record.note()
            if not reader.ended:
                return _abort(request, response, "the stream has no end event")
        await response.write_eof()
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        return _abort(request, response, type(error).__name__)
    return response


def _abort(request: web.Request, response: web.StreamResponse, why: str) -> web.StreamResponse:
    """Abort the caller's connection: a clean end would make the answer look complete."""
    if request.transport is not None and not request.transport.is_closing():
        logger.warning("a model's answer broke off: %s", why)
        request.transport.abort()
    return response


def _without(headers: Mapping[str, str], names: Iterable[str]) -> CIMultiDict[str]:
    """Return the headers without `names` and without the headers that `Connection` lists (RFC 9110 section 7.6.1)."""
    kept = CIMultiDict(headers)
    listed = [name.strip() for value in kept.getall(hdrs.CONNECTION, []) for name in value.split(",")]
    for name in (*names, *listed):
        kept.popall(name, None)
    return kept
