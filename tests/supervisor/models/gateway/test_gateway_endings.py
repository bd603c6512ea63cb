"""A session that ends while a call of its is on the way to the model: the call is not made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from supervisor.models.gateway.gateway import Gateway
from supervisor.models.offline.model import OfflineModel
from tests.supervisor.models.gateway.meters import RecordingMeter
from tests.waiting import until

CALL = {"model": "claude-opus-5-5", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_a_token_that_ends_while_its_request_comes_lets_nothing_in(
    path: str, gateway: Gateway, offline: OfflineModel
) -> None:
    endpoint = gateway.issue("ada", RecordingMeter())

    async def ending() -> AsyncIterator[bytes]:
        gateway.revoke(endpoint.token)
        yield json.dumps(CALL).encode()

    # The body is asked for by who takes the request, and comes only then.
    async with (
        aiohttp.ClientSession(endpoint.base_url, headers={"x-api-key": endpoint.token}) as http,
        http.post(path, data=ending(), expect100=True) as answer,
    ):
        assert answer.status == 403
    assert not offline.requests


class WaitingMeter(RecordingMeter):
    """A meter at which a call waits for others, until its session has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.free = asyncio.Event()

    async def admit(self, model: str, max_tokens: int, *, most_nanos: int | None) -> str | None:
        await super().admit(model, max_tokens, most_nanos=most_nanos)
        await self.free.wait()
        return None


async def test_a_call_that_waited_past_the_end_of_its_token_is_not_made(
    gateway: Gateway, offline: OfflineModel
) -> None:
    meter = WaitingMeter()
    endpoint = gateway.issue("ada", meter)
    async with aiohttp.ClientSession(endpoint.base_url, headers={"x-api-key": endpoint.token}) as http:
        call = asyncio.create_task(http.post("/v1/messages", json=CALL))
        await until(lambda: meter.asked, "the call asks to be let through")
        gateway.revoke(endpoint.token)
        meter.free.set()
        assert (await call).status == 403
    assert not offline.requests
    assert (meter.done, meter.begun) == (1, [])
