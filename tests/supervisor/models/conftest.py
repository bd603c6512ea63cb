"""The offline model, and a gateway to it that adds no key."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from supervisor.models.gateway.gateway import Gateway
from supervisor.models.offline.model import OfflineModel
from supervisor.models.prices import PriceList


@pytest.fixture
async def offline() -> AsyncIterator[OfflineModel]:
    async with OfflineModel() as model:
        yield model


@pytest.fixture
async def gateway(offline: OfflineModel) -> AsyncIterator[Gateway]:
    async with Gateway(upstream=offline.url, api_key=None, prices=PriceList()) as gateway:
        yield gateway
