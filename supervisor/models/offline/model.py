"""A scripted stand-in for the Messages API on loopback: `serve --offline`, the demo, and the tests' model."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from supervisor.models.api_errors import LARGEST_BODY, error_body, error_response, in_api_shape
from supervisor.models.offline.reply import INPUT_CAP, SIGNATURE, Reply, encode_event, new_id, stream_events
from supervisor.models.offline.script import Step, find_script
from supervisor.models.offline.transcript import Transcript, read_transcript
from supervisor.models.offline.unscripted import answer
from supervisor.models.token_estimate import estimate_tokens

REMEMBERED_REQUESTS = 200
REMEMBERED_ATTEMPTS = 1024
REMEMBERED_TURNS = 40
REMEMBERED_CHARACTERS = 500
PATIENCE = 0.5
"""Seconds that requests in flight may take to end when it is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """A request to `/v1/messages` or to `count_tokens`, cut to a readable size.

    Attributes:
        session_id: the `X-Claude-Code-Session-Id` header, or None.
        agent_id: the `X-Claude-Code-Agent-Id` header, or None outside subagents.
        attempt: 1 for the first time that this very step was asked for, more for the client's retries.
        tools: names of the tools that were offered.
        turns: the last messages as (role, text), each text cut.
    """

    path: str
    model: str
    session_id: str | None
    agent_id: str | None
    stream: bool
    prompt: str
    attempt: int
    tools: frozenset[str]
    turns: tuple[tuple[str, str], ...]


class OfflineModel:
    """Speaks enough of the Messages API for Claude Code and the `anthropic` client.

    A prompt that holds `@@{"steps": [...]}` is answered by that script, one step for each assistant message after it
    (see `Step`); any other prompt is answered by `answers.answer`.

    Args:
        port: 0 takes a free one.

    Attributes:
        requests: the last requests, oldest first.

    Raises:
        OSError: on entering, where the port is taken.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=REMEMBERED_REQUESTS)
        self._host = host
        self._port = port
        self._attempts: OrderedDict[object, int] = OrderedDict()
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash; known once it is entered."""
        return f"http://{self._host}:{self._port}"

    async def __aenter__(self) -> OfflineModel:
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[in_api_shape])
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/messages/count_tokens", self._count_tokens)
        app.router.add_route("HEAD", "/api/hello", self._hello)
        app.router.add_route("*", "/{path:.*}", self._not_found)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=PATIENCE)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _hello(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _not_found(self, request: web.Request) -> web.Response:
        return error_response(404, f"the offline model does not know {request.method} {request.path}")

    async def _count_tokens(self, request: web.Request) -> web.Response:
        raw = await request.read()
        body = _parse(raw)
        if isinstance(body, str):
            return error_response(400, body)
        self._record(request, body, read_transcript(body), attempt=1)
        return web.json_response({"input_tokens": min(estimate_tokens(len(raw)), INPUT_CAP)})

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = _parse(raw)
        if isinstance(body, str):
            return error_response(400, body)
        transcript = read_transcript(body)
        step = _next_step(transcript)
        key = _step_key(request, transcript)
        attempt = self._attempts.pop(key, 0) + 1
        self._record(request, body, transcript, attempt=attempt)
        if attempt <= len(step.errors):
            self._remember_attempt(key, attempt)
            status = step.errors[attempt - 1]
            wait = {} if step.retry_after is None else {"retry-after": f"{step.retry_after:g}"}
            return error_response(status, f"scripted error {status}", headers=wait)
        if step.hang:
            await self._closing.wait()
            return error_response(500, "the offline model is closing")
        await self._pause(step.delay)
        message = step.reply.message(transcript.model, len(raw))
        headers = {"request-id": new_id("req")}
        if body.get("stream") is True:
            return await self._stream(request, message, step, headers)
        if step.sse_error:
            return error_response(529, step.sse_error)
        if step.drop_after is not None:
            _abort(request)
        return web.json_response(message, headers=headers)

    async def _stream(
        self, request: web.Request, message: Mapping[str, Any], step: Step, headers: Mapping[str, str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={**headers, "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
        )
        deltas = 0
        try:
            await response.prepare(request)
            for event in stream_events(message):
                if event["type"] == "content_block_delta":
                    if deltas == step.drop_after:
                        _abort(request)
                        return response
                    if deltas:
                        await self._pause(step.token_delay)
                    deltas += 1
                elif event["type"] == "message_delta" and step.drop_after is not None:
                    _abort(request)
                    return response
                elif event["type"] == "message_delta" and step.sse_error:
                    await response.write(encode_event(error_body(529, step.sse_error)))
                    break
                await response.write(encode_event(event))
            await response.write_eof()
        except ConnectionError:
            pass  # the client has left: nobody to tell
        return response

    async def _pause(self, seconds: float) -> None:
        """Wait, but not when it is being closed."""
        if seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self._closing.wait()
            except TimeoutError:
                pass

    def _remember_attempt(self, key: object, attempt: int) -> None:
        self._attempts[key] = attempt
        while len(self._attempts) > REMEMBERED_ATTEMPTS:
            self._attempts.popitem(last=False)

    def _record(self, request: web.Request, body: Mapping[str, Any], transcript: Transcript, *, attempt: int) -> None:
        self.requests.append(
            RecordedRequest(
                path=request.path,
                model=transcript.model,
                session_id=request.headers.get("X-Claude-Code-Session-Id"),
                agent_id=request.headers.get("X-Claude-Code-Agent-Id"),
                stream=body.get("stream") is True,
                prompt=transcript.prompt[:REMEMBERED_CHARACTERS],
                attempt=attempt,
                tools=transcript.tools,
                turns=tuple((r, text[:REMEMBERED_CHARACTERS]) for r, text in transcript.turns[-REMEMBERED_TURNS:]),
            )
        )


def _parse(raw: bytes) -> Mapping[str, Any] | str:
    """Return the request's body, or a sentence that says what is wrong with it."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return "the body is not JSON"
    if not isinstance(body, dict):
        return "the body must be an object"
    if not isinstance(body.get("model"), str):
        return "model: must be a string"
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        return "messages: must be a list with at least one message"
    return body


def _next_step(transcript: Transcript) -> Step:
    script = find_script(transcript.prompt)
    if script is None:
        return Step(reply=answer(transcript))
    if transcript.answered < len(script):
        return script[transcript.answered]
    return Step(reply=Reply(text=f"The script has {_counted(script)} and no more. {SIGNATURE}"))


def _counted(script: Sequence[Step]) -> str:
    return "1 step" if len(script) == 1 else f"{len(script)} steps"


def _step_key(request: web.Request, transcript: Transcript) -> object:
    """Return what two attempts at the same step have in common."""
    session, agent = (request.headers.get(f"X-Claude-Code-{name}-Id") for name in ("Session", "Agent"))
    return session, agent, len(transcript.turns), transcript.answered, hash(transcript.prompt)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
