"""Where the daemon is and who asks: from arguments, else from the environment, else the defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from xswarm_client.errors import NotConfigured

URL = "ws://127.0.0.1:9999"
"""The socket of a daemon with the default configuration."""

HTTP_PORT = 8787
"""The port of REST with the default configuration."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to reach the daemon. No file is read, and no folder of a user.

    Attributes:
        url: of the socket. Argument, XSWARM_URL, SUPERVISOR_WEBSOCKET_URL, or ws://127.0.0.1:9999.
        http_url: of REST. Argument, XSWARM_HTTP_URL, or port 8787 of the host of `url`.
        token: of a user or a service. Argument, XSWARM_TOKEN, or SUPERVISOR_TOKEN.
        user: for whom a service asks; empty = the user of the token. Argument, or XSWARM_USER.
        project: the folder where Claude Code works if a call names none; empty = the user's default project. Argument,
            or XSWARM_PROJECT.
    """

    url: str
    http_url: str
    token: str = field(repr=False)
    user: str = ""
    project: str = ""

    @property
    def is_local(self) -> bool:
        """Whether the daemon is on this machine: then no proxy is asked for."""
        return urlsplit(self.url).hostname in LOOPBACK


def settings(
    url: str | None = None,
    token: str | None = None,
    *,
    user: str | None = None,
    project: str | None = None,
    http_url: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings.

    Args:
        environment: the default is that of the process.

    Raises:
        NotConfigured: there is no token, or the URL is none.
    """
    given = os.environ if environment is None else environment
    socket = url or given.get("XSWARM_URL") or given.get("SUPERVISOR_WEBSOCKET_URL") or URL
    secret = token or given.get("XSWARM_TOKEN") or given.get("SUPERVISOR_TOKEN") or ""
    if not secret.strip():
        raise NotConfigured("there is no token", remedy="set XSWARM_TOKEN; `xswarm token create` makes a token")
    return Settings(
        url=socket,
        http_url=(http_url or given.get("XSWARM_HTTP_URL") or _http_url(socket)).rstrip("/"),
        token=secret.strip(),
        user=user or given.get("XSWARM_USER", ""),
        project=project or given.get("XSWARM_PROJECT", ""),
    )


def _http_url(socket: str) -> str:
    """Return the URL of REST on the host of the socket.

    Raises:
        NotConfigured: the socket's URL is none of a WebSocket.
    """
    parts = urlsplit(socket)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise NotConfigured(f"{socket} is no URL of a WebSocket", remedy=f"write it like {URL}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{'https' if parts.scheme == 'wss' else 'http'}://{host}:{HTTP_PORT}"
