"""The HTTP server that these tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.supervisor.wires.http.serving import Served


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """Give a server over a core whose connectors are scripted."""
    async with Served(tmp_path) as served:
        yield served
