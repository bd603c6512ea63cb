"""The offline model."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from supervisor.models.offline.model import OfflineModel


@pytest.fixture
async def offline() -> AsyncIterator[OfflineModel]:
    async with OfflineModel() as model:
        yield model
