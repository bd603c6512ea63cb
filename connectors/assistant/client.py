"""A client of the Messages API for one kind of request: a streamed answer in text.

https://docs.anthropic.com/en/api/messages. The SDK `anthropic` is not used here: its import takes a second of the CPU
and 40 MiB, more than the rest of the daemon; the tests compare our requests and errors with it.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx2

from connectors.assistant.stream import Stream

VERSION = "2026-10-21"
"""The version of the API, for the header `anthropic-version`."""

RETRIED = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
"""Besides all from 500 on: the statuses after which a request may succeed if it is sent again."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 8.0
"""Seconds before a retry where the answer names none; each pause is twice the one before."""


class APIError(Exception):
    """A call of the model failed; its text never quotes the request."""


class APIConnectionError(APIError):
    """The API could not be reached."""


class APITimeoutError(APIConnectionError):
    """The API did not answer in time."""


class APIStatusError(APIError):
    """The API refused a request, or ended the stream of an answer with an error.

    Attributes:
        status_code: of the response; 200 for an error inside a stream.
        body: the JSON of the error; None = it was none.
    """

    def __init__(self, response: httpx2.Response, body: object) -> None:
        super().__init__(f"status {response.status_code}")
        self.response = response
        self.status_code = response.status_code
        self.body = body

    @property
    def type(self) -> str:
        """The type of the error, e.g. `overloaded_error`; empty = not known."""
        return self._field("type")

    @property
    def api_message(self) -> str:
        """What the API says; empty = nothing."""
        return self._field("message")

    def _field(self, name: str) -> str:
        error = self.body.get("error") if isinstance(self.body, dict) else None
        value = error.get(name) if isinstance(error, dict) else None
        return value if isinstance(value, str) else ""


class Client:
    """Sends requests to one address with one token. `close` ends it.

    Args:
        base_url: without `/v1/messages`.
        token: never logged.
        max_retries: how often a request is sent again that failed before its answer began.
        http: the connections; the client closes it.
    """

    def __init__(self, base_url: str, token: str, *, max_retries: int, http: httpx2.AsyncClient) -> None:
        self._url = f"{base_url.rstrip('/')}/v1/messages"
        self._token = token
        self._max_retries = max_retries
        self._http = http

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @asynccontextmanager
    async def stream(
        self, *, model: str, max_tokens: int, system: str, messages: Sequence[object]
    ) -> AsyncIterator[Stream]:
        """Ask for an answer, and stream it while the context is entered.

        Args:
            system: the instructions for the model; empty for none.

        Raises:
            APIError: the request was refused, the API could not be reached, or the stream holds an error.
            httpx2.TransportError: the connection broke off inside the answer.
            ValueError: the stream breaks the rules of its format.
        """
        request = {"model": model, "max_tokens": max_tokens, "messages": list(messages), "stream": True}
        response = await self._send(request | ({"system": system} if system else {}))
        try:
            yield Stream(response.aiter_bytes(), lambda body: APIStatusError(response, body))
        finally:
            await response.aclose()

    async def _send(self, body: dict[str, Any]) -> httpx2.Response:
        """Return the response to a request, whose content has not been read; failures that may pass are retried."""
        content = json.dumps(body).encode()
        headers = {
            "authorization": f"Bearer {self._token}",
            "anthropic-version": VERSION,
            "content-type": "application/json",
            "accept": "text/event-stream",
        }
        for tried in range(self._max_retries + 1):
            last = tried == self._max_retries
            pause = min(FIRST_PAUSE * 2**tried, LONGEST_PAUSE) * (1 - random.random() / 4)  # noqa: S311 - no secret
            try:
                sent = self._http.build_request("POST", self._url, content=content, headers=headers)
                response = await self._http.send(sent, stream=True)
                if response.status_code == HTTPStatus.OK:
                    return response
                error = await _refusal(response)
                if last or not _may_pass(response):
                    raise error
                pause = _seconds(response) or pause
            except httpx2.TimeoutException as late:
                if last:
                    raise APITimeoutError("no answer in time") from late
            except httpx2.TransportError as unreachable:
                if last:
                    raise APIConnectionError("no connection") from unreachable
            await asyncio.sleep(pause)
        raise AssertionError("the last try returns or raises")


async def _refusal(response: httpx2.Response) -> APIStatusError:
    """Read a response that is no answer to its end."""
    try:
        body: object = json.loads(await response.aread())
    except (ValueError, RecursionError):
        body = None
    finally:
        await response.aclose()
    return APIStatusError(response, body)


def _may_pass(response: httpx2.Response) -> bool:
    """Return whether a retry may succeed; the API may say so itself."""
    said = response.headers.get("x-should-retry")
    if said in ("true", "false"):
        return bool(said == "true")
    return response.status_code in RETRIED or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR


def _seconds(response: httpx2.Response) -> float:
    """Return how long the API asks to wait, in seconds; 0 = it asks for nothing that we understand."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = response.headers.get(name, "")
        if value.isdecimal() and len(value) < 9:
            return int(value) / unit
    return 0.0
