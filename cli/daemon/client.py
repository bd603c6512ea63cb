"""A client of the supervisor socket: requests with their responses, and pushed events."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from cli import settings
from cli.daemon import addresses
from cli.daemon.addresses import Daemon
from cli.failures import Mistake, Refused, Unreachable
from supervisor.protocol.errors import NotAuthenticated, SessionNotFound
from supervisor.protocol.requests import Auth, GetSessionStatus, ListSessions, Request

Frame = dict[str, Any]
T = TypeVar("T")

ANSWER_SECONDS = 30.0
"""Seconds to wait for the response to a request that starts no turn."""

MAX_FRAME = 256 * 2**20
"""Largest frame in bytes; a history of 500 long messages fits."""

SUFFIX_LENGTH = 6
"""Fewest characters of the end of a session id that name the session, where only one id ends with them."""


class Client:
    """One authenticated connection. `connected` makes it, and owns the task that reads it."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Frame]] = {}
        self._pushed: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._lost: Unreachable | None = None

    async def ask(self, request: Request, *, timeout: float | None = ANSWER_SECONDS) -> Frame:
        """Send a request and return the frame of its response.

        Args:
            timeout: in seconds; None waits without a limit.

        Raises:
            Refused: the daemon refused the request.
            Unreachable: the connection was lost, or no response came in time.
        """
        if self._lost is not None:
            raise self._lost
        request_id = str(next(self._ids))
        frame = {
            field.name.rstrip("_"): value
            for field in fields(request)
            if (value := getattr(request, field.name)) is not None
        }
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer
        try:
            await self._connection.send(json.dumps({**frame, "request_id": request_id}))
            async with asyncio.timeout(timeout):
                received = await answer
        except ConnectionClosed as error:
            raise _went_away(error) from None
        except TimeoutError:
            raise Unreachable(f"no answer within {timeout:g} s", "look at the daemon's log") from None
        finally:
            del self._waiting[request_id]
            if answer.done() and not answer.cancelled():
                answer.exception()  # The connection was lost while the request was sent: nobody has read it.
        if received.get("type") == "error":
            raise Refused(
                str(received.get("message", "")),
                str(received.get("code", "internal")),
                retry_after=received.get("retry_after"),
            )
        return received

    async def pushed(self) -> AsyncIterator[Frame]:
        """Yield the frames that answer no request, until the connection is lost."""
        while (frame := await self._pushed.get()) is not None:
            yield frame

    async def read(self) -> None:
        """Hand each frame to the request that it answers, or to `pushed`, until the connection ends."""
        try:
            async for text in self._connection:
                frame = json.loads(text)
                answer = self._waiting.get(str(frame.get("request_id")))
                if answer is None:
                    self._pushed.put_nowait(frame)
                elif not answer.done():
                    answer.set_result(frame)
            self._lose(Unreachable("it closed the connection"))
        except ConnectionClosed as error:
            self._lose(_went_away(error))
        except (ValueError, AttributeError):
            self._lose(Unreachable("no supervisor socket answers there", "check SUPERVISOR_WEBSOCKET_URL"))

    def _lose(self, error: Unreachable) -> None:
        self._lost = error
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)
        self._pushed.put_nowait(None)


@asynccontextmanager
async def connected(daemon: Daemon) -> AsyncIterator[Client]:
    """Connect and authenticate.

    Raises:
        Unreachable: nothing answers there.
        NotAuthenticated: the daemon refuses the token.
    """
    try:
        # No proxy: the daemon is on this machine, or at the URL. No compression: it costs more time than it saves.
        connection = await connect(daemon.socket, compression=None, max_size=MAX_FRAME, proxy=None)
    except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
        raise Unreachable(f"{daemon.socket}: {_reason(error)}") from None
    client = Client(connection)
    reader = asyncio.create_task(client.read(), name="socket reader")
    try:
        if not (await client.ask(Auth(token=daemon.token))).get("success"):
            raise NotAuthenticated
        yield client
    finally:
        await connection.close()
        reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reader


def talk(config_file: Path | None, work: Callable[[Client], Awaitable[T]]) -> T:
    """Connect to the configured daemon, run `work` on the connection and return its result.

    Raises:
        XswarmError: no connection, or `work` failed.
    """
    daemon = addresses.find(settings.load(config_file))

    async def conversation() -> T:
        async with connected(daemon) as client:
            return await work(client)

    return asyncio.run(conversation())


async def find_session(client: Client, given: str) -> Frame:
    """Return the `session_status` of a session.

    Args:
        given: its id, or the end of it where that is unique.

    Raises:
        SessionNotFound: no session has this id or this end.
        Mistake: several ids end with it; names them.
    """
    try:
        return await client.ask(GetSessionStatus(session_id=given))
    except Refused as refused:
        if refused.code != "session_not_found":
            raise
    if len(given) < SUFFIX_LENGTH:
        missing = SessionNotFound(given)
        missing.remedy = f"give the whole id, or at least {SUFFIX_LENGTH} characters of its end; {missing.remedy}"
        raise missing
    listed: list[Frame] = (await client.ask(ListSessions(active_only=False)))["sessions"]
    found = [session for session in listed if session["session_id"].endswith(given)]
    if not found:
        raise SessionNotFound(given)
    if len(found) > 1:
        candidates = ", ".join(session["session_id"] for session in found)
        raise Mistake(f"Several sessions end with {given}: {candidates}", "give more of the id")
    return found[0]


def body(frame: Frame) -> Frame:
    """Return a frame without `type` and `request_id`."""
    return {key: value for key, value in frame.items() if key not in ("type", "request_id")}


def _went_away(error: ConnectionClosed) -> Unreachable:
    reason = error.rcvd.reason if error.rcvd is not None else ""
    return Unreachable("it closed the connection" + (f" ({reason})" if reason else ""))


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "no answer"
    return str(error) or type(error).__name__
