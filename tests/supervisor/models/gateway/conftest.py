"""A gateway to the offline model, with one token, its meter and two clients."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import anthropic
import pytest

from supervisor.models.gateway.gateway import Gateway
from supervisor.models.offline.model import OfflineModel
from supervisor.protocol.conversation import ModelEndpoint
from tests.supervisor.models.gateway.calls import (
    bearing,
    gateway_to,
)
from tests.supervisor.models.gateway.meters import RecordingMeter


@pytest.fixture
async def gateway(offline: OfflineModel) -> AsyncIterator[Gateway]:
    async with gateway_to(offline.url) as gateway:
        yield gateway


@pytest.fixture
def meter() -> RecordingMeter:
    return RecordingMeter()


@pytest.fixture
def endpoint(gateway: Gateway, meter: RecordingMeter) -> ModelEndpoint:
    return gateway.issue("ada", meter)


@pytest.fixture
async def client(endpoint: ModelEndpoint) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(api_key=endpoint.token, base_url=endpoint.base_url) as client:
        yield client


@pytest.fixture
async def http(endpoint: ModelEndpoint) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(endpoint.base_url, headers=bearing(endpoint)) as http:
        yield http
