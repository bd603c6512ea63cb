"""The connector for a remote Claude Code, and its keys in config.toml."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from websockets.exceptions import InvalidURI
from websockets.uri import parse_uri

from connectors.remote.backoff import Backoff
from connectors.remote.conversation import RemoteConversation
from connectors.remote.dialler import Dialler
from supervisor.protocol.conversation import Exchange, SessionSpec
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.ports.connector import Connector, ConnectorHost, Conversation
from supervisor.protocol.ports.plugin import ConnectorPlugin

URL_KEY = "claude_code.websocket_url"
TIMEOUT_KEY = "claude_code.turn_timeout_seconds"
TOKEN_NAME = "CLAUDE_CODE_AUTH_TOKEN"  # noqa: S105 - the name of a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteConfig:
    """The keys of `[claude_code]` that this connector reads.

    Attributes:
        websocket_url: the address of the remote: `wss://`, or `ws://` on this machine.
        turn_timeout_seconds: most seconds from a prompt to its answer.
    """

    websocket_url: str = "ws://localhost:8080"
    turn_timeout_seconds: float = 1800.0


class RemoteConnector(Connector):
    """Opens one connection per session. The remote keeps the conversation, so the history is not sent.

    Args:
        token: the bearer token for the remote, or None.
        open_timeout: seconds for connecting and the handshake.
    """

    name = "remote"

    def __init__(
        self,
        config: RemoteConfig,
        token: str | None,
        *,
        backoff: Backoff | None = None,
        open_timeout: float = 10.0,
    ) -> None:
        self._config = config
        self._dialler = Dialler(config.websocket_url, token, open_timeout=open_timeout)
        self._backoff = backoff or Backoff()

    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        return RemoteConversation(
            session.id,
            self._dialler,
            await self._dialler.dial(),
            backoff=self._backoff,
            turn_timeout=min(session.turn_timeout, self._config.turn_timeout_seconds),
        )


def check_url(url: str) -> None:
    """Check the address: it must be valid, and must not send prompts and token unencrypted over a network.

    Raises:
        ConfigError: it names the key, but not the whole address, which may hold a secret.
    """
    try:
        uri = parse_uri(url)
        has_userinfo = urlsplit(url).username is not None
    except (InvalidURI, ValueError):
        raise ConfigError(URL_KEY, "must be a WebSocket address such as ws://localhost:8080") from None
    if has_userinfo:
        raise ConfigError(URL_KEY, "must hold no user name or password", f"set {TOKEN_NAME} instead")
    if not uri.secure and not _is_loopback(uri.host):
        raise ConfigError(
            URL_KEY,
            f"ws:// is for this machine alone, and {uri.host} is another one",
            "use wss://, or an SSH tunnel to a port on localhost",
        )


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def build(config: RemoteConfig, host: ConnectorHost) -> RemoteConnector:
    """Return the connector.

    Raises:
        ConfigError: the address, the timeout or the token is not valid.
    """
    check_url(config.websocket_url)
    if not config.turn_timeout_seconds > 0:
        raise ConfigError(TIMEOUT_KEY, f"must be above 0, not {config.turn_timeout_seconds:g}")
    token = host.secret(TOKEN_NAME) or None
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise ConfigError(TOKEN_NAME, "must be printable ASCII without blanks")
    return RemoteConnector(config, token)


PLUGIN = ConnectorPlugin(name="remote", config=RemoteConfig, build=build)
