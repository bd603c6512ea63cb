"""A webhook of a channel: its route, the request, the response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field


async def _not_from_agent() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest:
    """A request on a route of a channel.

    Attributes:
        method: in upper case.
        path: decoded, without the query.
        query: the raw query string, without `?`.
        url: the public URL as the provider signs it: `http.public_url`, raw path and query; no forwarded headers.
        headers: names in lower case.
        body: raw bytes, at most 64 KiB.
        from_agent: returns whether an agent started the sending process, as far as this machine can tell; raises
            TemporaryFailure if it cannot tell now. It is expensive: call it after the signature is verified.
    """

    method: str
    path: str
    query: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    from_agent: Callable[[], Awaitable[bool]] = _not_from_agent


@dataclass(frozen=True, slots=True, kw_only=True)
class WebResponse:
    """The response to a `WebRequest`."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A webhook of a channel on the HTTP server. The channel itself authenticates every request.

    Attributes:
        method: in upper case.
        path: must start with `/webhooks/`.
        handler: answers a request that is not authentic with status 403, and accepts nothing from it.
    """

    method: str
    path: str
    handler: Callable[[WebRequest], Awaitable[WebResponse]]
