"""The opening handshake of the supervisor socket: which hosts and origins are served, and the bearer token."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from websockets.datastructures import Headers

from supervisor.config import LOOPBACK


class HandshakePolicy:
    """Refuses connections that a web page made a browser open: foreign origins, and DNS rebinding by foreign names.

    Args:
        host: the address that the server listens on.
        origins: browser origins that may open the socket; a Host header may name their hosts, too.
    """

    def __init__(self, host: str, origins: Iterable[str]) -> None:
        self._origins = frozenset(origins) - {"null"}
        self._hosts = LOOPBACK | {host.lower()} | {_name(urlsplit(origin).netloc) for origin in self._origins}

    def refusal(self, headers: Headers) -> str | None:
        """Return why a handshake is refused with 403; None = it is accepted."""
        hosts = headers.get_all("Host")
        if len(hosts) != 1 or _name(hosts[0]) not in self._hosts:
            return "this Host is not served here"
        # Some libraries name the server itself, such as Python's websocket-client. A page of this origin is ours, too.
        accepted = self._origins | {f"http://{hosts[0]}"}
        if any(origin not in accepted for origin in headers.get_all("Origin")):
            return "this Origin is not listed in supervisor.allowed_origins"
        return None


def bearer(headers: Headers) -> str | None:
    """Return the token of an `Authorization: Bearer` header; None = there is no such header."""
    given = headers.get_all("Authorization")
    if not given:
        return None
    scheme, _, token = given[0].partition(" ")
    return token.strip() if scheme.lower() == "bearer" and len(given) == 1 else ""


def _name(host: str) -> str:
    """Return the host of a Host header without port and brackets; empty if the header is malformed."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""
