"""The outermost layer: checks Host and Origin, and answers errors that no other layer has handled."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supervisor.config import LOOPBACK
from supervisor.protocol.errors import InternalError, NotAllowed, XswarmError
from supervisor.wires.failures import BodyTooLarge, ShuttingDown, failure
from supervisor.wires.http.bodies import refuse_body
from supervisor.wires.peers import PEER

logger = logging.getLogger(__name__)

READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods without side effects."""


class Guard:
    """Refuses requests that a web page made a browser send (DNS rebinding, foreign origins), and hides internal errors.

    Args:
        hosts: names that a Host header may contain besides the loopback names, with any port.
        origins: foreign browser origins that may change something; compared exactly.

    Attributes:
        closing: whether every request is refused, also on open connections.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str] = (), origins: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}
        self._origins = frozenset(origins)
        self.closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reference = secrets.token_hex(4)
        scope.setdefault("state", {})["reference"] = reference
        begun = ended = False

        async def watched(message: Message) -> None:
            nonlocal begun, ended
            begun = True
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, receive, watched)
        except XswarmError as error:
            if begun:
                raise
            await _refuse(error, scope, receive, watched)
        except Exception:
            logger.exception("%s: %s %s failed", reference, scope.get("method", scope["type"]), scope["path"])
            if not begun:
                await _refuse(InternalError(reference), scope, receive, watched)
            elif not ended:
                raise  # so that uvicorn aborts the connection and the client sees that the answer is incomplete

    def _check(self, scope: Scope) -> None:
        if self.closing:
            raise ShuttingDown
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        name = _name_of(hosts[0]) if len(hosts) == 1 else ""
        if name not in self._hosts:
            raise NotAllowed(
                f"the Host header {', '.join(hosts)!r}", "reach it by its own name, or set http.public_url"
            )
        if scope["type"] == "http" and scope["method"] in READS:
            return
        for origin in headers.getlist("origin"):
            if origin not in self._origins and origin != f"{_page_scheme(scope)}://{hosts[0]}":
                raise NotAllowed(f"the Origin {origin!r}", "add it to supervisor.allowed_origins")


def _page_scheme(scope: Scope) -> str:
    """Return the scheme of a page of the same origin as this connection."""
    scheme = str(scope.get("scheme", "http"))
    return {"ws": "http", "wss": "https"}.get(scheme, scheme)


def host_of(url: str) -> str:
    """Return the host of a URL as a Host header has it, without the port; empty if the URL has none."""
    return urlsplit(url).hostname or ""


def origin_of(url: str) -> str:
    """Return the origin of a URL (RFC 6454); empty if the URL has no host."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.netloc else ""


def _name_of(host: str) -> str:
    """Return the host of a Host header without port and brackets; empty if the header is malformed."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


async def _refuse(error: XswarmError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})  # before the accept, so the handshake answers 403
    elif isinstance(error, BodyTooLarge) and PEER in scope:  # a connection of ours, and not a call in this process
        await refuse_body(failure(error), scope, receive, send)
    else:
        await failure(error)(scope, receive, send)
