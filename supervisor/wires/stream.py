"""The web socket `/ws/claude`: one prompt, one stream of lines (docs/protocol.md)."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from supervisor.operations.one_shot import OneShot, Stream
from supervisor.people.authentication import Authenticator
from supervisor.people.identity import Caller
from supervisor.protocol.errors import (
    InvalidMessage,
    NotAllowed,
    NotAuthenticated,
    ProjectNotAllowed,
    StorageError,
    TurnFailed,
    UserNotFound,
    XswarmError,
)
from supervisor.wires.failures import failure
from supervisor.wires.http.auth import source, visitor_of

logger = logging.getLogger(__name__)

PATH = "/ws/claude"

INFO = {"info": "send {prompt,meta}"}
MAX_PROMPT_BYTES = 8192
META = re.compile(r"[A-Z0-9_\-]+")
MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]{0,127}")

PROMPT_SECONDS = 30.0
"""Timeout of the prompt, in seconds."""

LAST_LINES = 10.0
"""How long a client gets to read the remaining lines after the process has ended, in seconds."""

Run = AbstractAsyncContextManager[tuple[Stream, asyncio.Task[None]]]

ENDED_WELL, BAD_PROMPT, FAILED = 1000, 1008, 1011

CALLERS_MISTAKES = frozenset(error.code for error in (InvalidMessage, NotAllowed, ProjectNotAllowed, UserNotFound))
"""Codes of errors that close with `BAD_PROMPT`: the same request fails again."""


@dataclass(frozen=True, slots=True)
class BadPrompt(Exception):
    """The client sent an invalid prompt."""

    why: str


class StreamSocket:
    """Serves the path by `OneShot`.

    Args:
        query_token_seconds: longest lifetime of a token in the URL, in seconds.
        last_lines_seconds: how long a client gets to read the remaining lines, in seconds.
    """

    def __init__(
        self,
        one_shot: OneShot,
        authenticator: Authenticator,
        *,
        query_token_seconds: float,
        last_lines_seconds: float = LAST_LINES,
    ) -> None:
        self._one_shot = one_shot
        self._authenticator = authenticator
        self._query_token_seconds = query_token_seconds
        self._last_lines_seconds = last_lines_seconds

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection from handshake to close."""
        try:
            caller = replace(await self._caller(socket), source=source(socket.scope))
        except (NotAuthenticated, StorageError) as error:
            await socket.send_denial_response(failure(error))
            return
        await socket.accept()
        try:
            await socket.send_json(INFO)
            prompt = _prompt(await asyncio.wait_for(_first_message(socket), PROMPT_SECONDS))
            code, why = await self._run(socket, caller, prompt)
        except BadPrompt as bad:
            code, why = BAD_PROMPT, bad.why
        except TimeoutError:
            code, why = BAD_PROMPT, "prompt: none came in time"
        except WebSocketDisconnect:
            return
        try:
            async with asyncio.timeout(LAST_LINES):
                await _close(socket, code, why)
        except TimeoutError:
            logger.debug("a client of %s did not read its end", PATH)

    async def _run(self, socket: WebSocket, caller: Caller, prompt: str) -> tuple[int, str]:
        """Send the lines of a run; return the close code and the error message, empty if there is none."""
        query = socket.query_params
        if (model := query.get("model")) is not None and not MODEL.fullmatch(model):
            raise BadPrompt("model: must be the name of a model")
        try:
            user = self._one_shot.user(caller, query.get("user_id"))
            run = self._one_shot.run(
                caller, user, prompt, project=query.get("project"), model=model, partial=query.get("partial") == "1"
            )
            relaying = asyncio.create_task(self._relay(socket, run), name="stream run")
            left = asyncio.create_task(_until_disconnect(socket), name="stream client")
            try:
                await asyncio.wait([left, relaying], return_when=asyncio.FIRST_COMPLETED)
                if not relaying.done():  # the client may leave before the process has started
                    raise WebSocketDisconnect
                relaying.result()
            finally:
                left.cancel()
                relaying.cancel()
                await asyncio.gather(left, relaying, return_exceptions=True)
        except (TurnFailed, StorageError) as error:
            return FAILED, str(error)
        except XswarmError as error:
            code = BAD_PROMPT if error.code in CALLERS_MISTAKES else FAILED  # by the code: it may be of another node
            return code, f"{error}. {error.remedy}".rstrip(". ")
        return ENDED_WELL, ""

    async def _relay(self, socket: WebSocket, run: Run) -> None:
        """Start a run and send its lines; a cancel ends the run with all its processes.

        Raises:
            TurnFailed: the run failed, or the client did not read all lines.
        """
        async with run as (stream, work):
            sender = asyncio.create_task(_send_lines(socket, stream), name="stream lines")
            try:
                await asyncio.wait([sender, work], return_when=asyncio.FIRST_COMPLETED)
                # The process has ended. A client that does not read the rest must not keep the connection open.
                read, _ = await asyncio.wait([sender], timeout=self._last_lines_seconds)
                await asyncio.wait([work])
                work.result()
                if not read:
                    raise TurnFailed("its client did not read its last lines in time")
            finally:
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)

    async def _caller(self, socket: WebSocket) -> Caller:
        """Return the caller of the bearer token, or of the short-lived token in the URL.

        Raises:
            NotAuthenticated: there is no token, or it is not valid.
        """
        given = socket.headers.getlist("authorization")
        token = socket.query_params.get("token", "")
        if not given and not token:
            raise NotAuthenticated
        try:
            if not given:
                return await self._authenticator.query_caller(token, longest_seconds=self._query_token_seconds)
            scheme, _, token = given[0].partition(" ")
            if len(given) != 1 or scheme.lower() != "bearer":
                raise NotAuthenticated
            return await self._authenticator.caller(token.strip())
        except NotAuthenticated:
            await self._authenticator.refused("stream", visitor_of(socket.scope))
            raise


def _prompt(text: str) -> str:
    """Return the prompt in the message of a client.

    Raises:
        BadPrompt: the message is not valid.
    """
    try:
        body: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise BadPrompt("Bad JSON") from None
    if not isinstance(body, Mapping):
        raise BadPrompt("Bad JSON")
    prompt, meta = body.get("prompt"), body.get("meta")
    try:
        size = len(prompt.encode()) if isinstance(prompt, str) else 0
    except UnicodeEncodeError:
        size = 0
    if not isinstance(prompt, str) or not 1 <= size <= MAX_PROMPT_BYTES:
        raise BadPrompt(f"prompt: must be 1 to {MAX_PROMPT_BYTES} bytes of UTF-8")
    if not prompt.strip():
        raise BadPrompt("prompt: must not be blank")
    if meta is None:
        return prompt
    if not isinstance(meta, str) or not META.fullmatch(meta):
        raise BadPrompt(f"meta: must match ^{META.pattern}$")
    return f"{prompt}\n\n[meta:{meta}]"


async def _first_message(socket: WebSocket) -> str:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", ENDED_WELL))
    text = message.get("text")
    if not isinstance(text, str):
        raise BadPrompt("Bad JSON")
    return text


async def _until_disconnect(socket: WebSocket) -> None:
    """Read and ignore further messages; return when the client disconnects."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _send_lines(socket: WebSocket, stream: Stream) -> None:
    while (line := await stream.next()) is not None:
        text, from_stderr = line
        await socket.send_text(json.dumps({"error": text}) if from_stderr else text)


async def _close(socket: WebSocket, code: int, why: str) -> None:
    if socket.application_state is not WebSocketState.CONNECTED:
        return
    try:
        if why:
            await socket.send_json({"error": why})
        await socket.close(code)
    except (WebSocketDisconnect, RuntimeError):
        logger.debug("a client of %s left before its end", PATH)
