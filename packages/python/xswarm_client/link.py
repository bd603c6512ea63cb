"""One connection to the supervisor socket, from its handshake to its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI, WebSocketException

from xswarm_client.errors import NotAuthenticated, NotConfigured, NotXswarm, Unreachable, XswarmError, of_frame
from xswarm_client.events import Frame
from xswarm_client.settings import Settings

OPEN_SECONDS = 10.0
"""How long a handshake, and the answer to the token, may take."""

MAX_FRAME = 64 * 2**20
"""Largest frame that is read, in bytes."""

RETRIED_STATUSES = frozenset({502, 503, 504})
"""HTTP statuses of a daemon, or a proxy before it, that will serve in a moment."""


class Link:
    """An authenticated connection; `open_link` makes it.

    Attributes:
        user_id: the only user that the token may act for; empty = any, or an older daemon does not say.
        server: name and version of the daemon; empty = it does not say.
        lost: whether the connection has ended.
    """

    def __init__(self, websocket: ClientConnection, welcome: Frame) -> None:
        self._websocket = websocket
        self.user_id = str(welcome.get("user_id") or "")
        self.server = str(welcome.get("server") or "")
        self.lost = False

    async def send(self, frame: Frame) -> bool:
        """Send a frame; return whether it was written."""
        try:
            await self._websocket.send(json.dumps(frame))
        except ConnectionClosed:
            self.lost = True
        return not self.lost

    async def frames(self) -> AsyncIterator[Frame]:
        """Yield each frame until the connection ends; what is no frame of the protocol is skipped."""
        try:
            async for text in self._websocket:
                if (frame := _parsed(text)) is not None:
                    yield frame
        except ConnectionClosed:
            pass
        finally:
            self.lost = True

    async def close(self) -> None:
        """Close the connection."""
        await self._websocket.close()


async def open_link(where: Settings) -> Link:
    """Connect and authenticate.

    Raises:
        Unreachable: nothing answers there now.
        NotXswarm: what answers there is no xswarm.
        NotAuthenticated: the daemon does not accept the token.
        NotConfigured: the URL is none.
    """
    options: dict[str, Any] = {"proxy": None} if where.is_local else {}
    try:
        websocket = await connect(where.url, open_timeout=OPEN_SECONDS, compression=None, max_size=MAX_FRAME, **options)
    except InvalidURI as error:
        raise NotConfigured(
            f"{where.url} is no URL of a WebSocket", remedy="write it like ws://127.0.0.1:9999"
        ) from error
    except InvalidStatus as error:
        raise _refused(where.url, error) from error
    except InvalidHandshake as error:
        if isinstance(error.__cause__, EOFError | OSError):
            raise Unreachable(f"{where.url}: the connection was closed") from error
        raise NotXswarm(f"{where.url}: a server answers that speaks no WebSocket") from error
    except (OSError, TimeoutError, WebSocketException) as error:
        reason = "connection refused" if isinstance(error, ConnectionRefusedError) else str(error) or "no answer"
        raise Unreachable(f"{where.url}: {reason}") from error
    try:
        return Link(websocket, await _welcome(websocket, where))
    except BaseException:
        await websocket.close()
        raise


async def _welcome(websocket: ClientConnection, where: Settings) -> Frame:
    """Send the token; return the frame that accepts it."""
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            await websocket.send(json.dumps({"type": "auth", "token": where.token}))
            while True:
                text = await websocket.recv()
                frame = _parsed(text)
                if frame is None:
                    raise NotXswarm(f"{where.url}: a WebSocket answers that is not xswarm's")
                if frame.get("type") == "error":
                    raise of_frame(frame)
                if frame.get("type") == "auth_result":
                    break
    except TimeoutError:
        raise NotXswarm(f"{where.url}: a WebSocket answers that says nothing about the token") from None
    except ConnectionClosed as error:
        if error.rcvd is not None and error.rcvd.code == 1008:
            raise NotAuthenticated("the daemon does not accept the token") from error
        raise Unreachable(f"{where.url}: the connection was closed") from error
    if not frame.get("success"):
        raise NotAuthenticated(str(frame.get("message") or "the daemon does not accept the token"))
    return frame


def _refused(url: str, error: InvalidStatus) -> XswarmError:
    status = error.response.status_code
    if status in RETRIED_STATUSES:
        return Unreachable(f"{url}: HTTP status {status}")
    if status == 403:
        said = bytes(error.response.body or b"").decode(errors="replace").strip()[:200]
        return NotXswarm(f"{url}: the server refuses the connection{f' ({said})' if said else ''}")
    return NotXswarm(f"{url}: a server answers that speaks no WebSocket here (HTTP status {status})")


def _parsed(text: str | bytes) -> Frame | None:
    """Return a frame; None = it is no JSON object with a type."""
    try:
        frame = json.loads(text)
    except ValueError:
        return None
    return frame if isinstance(frame, dict) and isinstance(frame.get("type"), str) else None
