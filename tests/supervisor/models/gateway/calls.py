"""Helpers of the gateway tests: request bodies, an upstream, and a gateway in front of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from supervisor.models.gateway.gateway import Gateway
from supervisor.models.offline.reply import Reply, encode_event, stream_events
from supervisor.models.prices import PriceList
from supervisor.protocol.conversation import ModelEndpoint
from tests.supervisor.models.gateway.meters import RecordingMeter
from tests.supervisor.models.gateway.upstream import Handler, Upstream

KEY = "sk-ant-the-real-key"
MODEL = "claude-opus-5-5"
EVENTS = [encode_event(event) for event in stream_events(Reply(text="one two three").message(MODEL, 40))]
USAGE = {"input_tokens": 10, "output_tokens": 20, "cache_read_input_tokens": 30}
NANOS = 10 * 4_000 + 20 * 20_000 + 30 * 200


def script(*steps: dict[str, Any]) -> str:
    return f"@@{json.dumps({'steps': steps})}"


def asking(prompt: str = "hi", **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": prompt}], **more}


def bearing(endpoint: ModelEndpoint) -> dict[str, str]:
    return {"x-api-key": endpoint.token}


@asynccontextmanager
async def gateway_to(url: str, **more: Any) -> AsyncIterator[Gateway]:
    async with Gateway(upstream=url, api_key=KEY, prices=PriceList(), **more) as gateway:
        yield gateway


@asynccontextmanager
async def behind(
    handler: Handler,
) -> AsyncIterator[tuple[Upstream, ModelEndpoint, RecordingMeter, aiohttp.ClientSession]]:
    """A gateway in front of an upstream that does as it is told."""
    meter = RecordingMeter()
    async with Upstream(handler) as upstream, gateway_to(upstream.url) as gateway:
        endpoint = gateway.issue("ada", meter)
        async with aiohttp.ClientSession(endpoint.base_url, headers=bearing(endpoint)) as http:
            yield upstream, endpoint, meter, http


async def streamed(request: web.Request, events: list[bytes]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for event in events:
        await response.write(event)
    return response
