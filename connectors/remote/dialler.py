"""Opens the connection to the remote; a failure is a sentence for a person."""

from __future__ import annotations

import logging
import socket
import ssl
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from supervisor.protocol.errors import ConnectionFailed

CLOSE_TIMEOUT = 2.0
"""Seconds for the closing handshake."""

LARGEST_FRAME = 16 * 1024 * 1024
"""Largest frame in bytes; a larger answer ends the connection (close code 1009)."""

_START_IT = "start the remote Claude Code, or correct claude_code.websocket_url"
_CHECK_TOKEN = "check CLAUDE_CODE_AUTH_TOKEN"  # noqa: S105 - the name of a variable

_wire_logger = logging.getLogger(f"{__name__}.wire")
_wire_logger.setLevel(logging.INFO)  # at DEBUG, websockets logs the handshake with our token


class Refused(ConnectionFailed):
    """The remote refuses the connection; a retry would not help."""


class _Connect(connect):
    """Follows no redirect, which could lead to another machine without TLS."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class Dialler:
    """Opens connections to one remote.

    Args:
        token: sent as a bearer token; None for none.
        open_timeout: seconds for connecting and the handshake.
    """

    def __init__(self, url: str, token: str | None, *, open_timeout: float = 10.0) -> None:
        parts = urlsplit(url)
        self._url = url
        self._token = token
        self._open_timeout = open_timeout
        # Without path and query, which may hold secrets.
        self._where = f"{parts.scheme}://{parts.netloc}"

    async def dial(self) -> ClientConnection:
        """Open a connection.

        Raises:
            Refused: a retry would not help.
            ConnectionFailed: a retry may succeed.
        """
        try:
            return await _Connect(
                self._url,
                additional_headers=None if self._token is None else {"Authorization": f"Bearer {self._token}"},
                compression=None,
                proxy=None,  # no proxy of the environment
                open_timeout=self._open_timeout,
                close_timeout=CLOSE_TIMEOUT,
                max_size=LARGEST_FRAME,
                logger=_wire_logger,
            )
        except InvalidStatus as error:
            raise self._refusal(error.response.status_code) from None
        except TimeoutError:
            raise self._failure(f"no answer within {self._open_timeout:g} seconds") from None
        except socket.gaierror:
            raise self._failure("no such host") from None
        except ssl.SSLCertVerificationError as error:
            raise self._failure(f"its certificate is not valid ({error.verify_message})") from None
        except ssl.SSLError:
            raise self._failure("TLS failed") from None
        except (ConnectionResetError, ConnectionAbortedError, BrokenPipeError):
            raise self._failure("it broke off the connection") from None
        except (OSError, UnicodeError):
            raise self._failure("nothing accepts connections there") from None
        except WebSocketException:
            raise self._failure("what listens there speaks no WebSocket") from None

    def _failure(self, reason: str) -> ConnectionFailed:
        return ConnectionFailed(f"cannot reach {self._where}: {reason}", remedy=_START_IT)

    def _refusal(self, status: int) -> ConnectionFailed:
        if status in (401, 403):
            ours = "our token" if self._token is not None else "us, as we have no token"
            return Refused(f"{self._where} refused {ours} (HTTP {status})", remedy=_CHECK_TOKEN)
        if status >= 500:
            return self._failure(f"it answered HTTP {status}")
        return Refused(f"{self._where} answered HTTP {status} instead of opening a WebSocket", remedy=_START_IT)
