"""A loopback server that stands in for the Messages API: for `serve --offline`, the demo and the tests."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from supervisor.models.api_errors import error_body, error_response
from supervisor.models.api_server import ApiServer
from supervisor.models.offline.reply import INPUT_CAP, SIGNATURE, Reply, encode_event, new_id, stream_events
from supervisor.models.offline.script import Step, find_script
from supervisor.models.offline.transcript import Transcript, read_transcript
from supervisor.models.offline.unscripted import answer
from supervisor.models.token_estimate import estimate_tokens
from supervisor.protocol.values.record import record

REMEMBERED_REQUESTS = 200
"""The most requests that `OfflineModel.requests` keeps."""

REMEMBERED_ATTEMPTS = 1024
"""The most steps whose failed attempts are counted."""

REMEMBERED_TURNS = 40
"""The most messages of one request that are kept."""

REMEMBERED_CHARACTERS = 500
"""The most characters of one message that are kept."""


@record
class RecordedRequest:
    """A request to `/v1/messages` or `/v1/messages/count_tokens`, shortened.

    Attributes:
        session_id: the `X-Claude-Code-Session-Id` header, or None.
        agent_id: the `X-Claude-Code-Agent-Id` header, or None outside subagents.
        attempt: 1 for the first request of a step, 2 or more for its retries.
        tools: names of the tools that the client offers.
        turns: the last messages as (role, text), shortened.
        tool_choice: its type; empty = the client leaves the choice to the model.
        cached: the client asks for the request to be cached.
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
    tool_choice: str = ""
    cached: bool = False


class OfflineModel:
    """Implements enough of the Messages API for Claude Code and the `anthropic` client.

    A prompt with a script (`@@{"steps": [...]}`) is answered by that script: the first answer is step 1, the answer
    after it step 2, and so on (see `script.Step`). Any other prompt is answered by `unscripted.answer`.

    Args:
        port: 0 = take a free port.

    Attributes:
        requests: the last requests, oldest first.

    Raises:
        OSError: on entering: the port is taken.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=REMEMBERED_REQUESTS)
        self._attempts: OrderedDict[object, int] = OrderedDict()
        self._closing = asyncio.Event()
        self._server = ApiServer(
            messages=self._messages,
            count_tokens=self._count_tokens,
            not_found="the offline model does not know",
            host=host,
            port=port,
        )

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash. It is valid after entering."""
        return self._server.url

    async def __aenter__(self) -> OfflineModel:
        await self._server.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._closing.set()
        await self._server.stop()

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
            pass  # the client has disconnected
        return response

    async def _pause(self, seconds: float) -> None:
        """Wait that many seconds, or until the server closes."""
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
                tool_choice=_type_of(body.get("tool_choice")),
                cached=_type_of(body.get("cache_control")) == "ephemeral",
            )
        )


def _type_of(choice: object) -> str:
    return str(choice.get("type", "")) if isinstance(choice, Mapping) else ""


def _parse(raw: bytes) -> Mapping[str, Any] | str:
    """Return the body of a request, or the sentence that says why it is invalid."""
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
    """Return a key that a step and its retries share."""
    session, agent = (request.headers.get(f"X-Claude-Code-{name}-Id") for name in ("Session", "Agent"))
    return session, agent, len(transcript.turns), transcript.answered, hash(transcript.prompt)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
