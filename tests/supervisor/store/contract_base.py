"""What every part of the store's contract needs: a store, open, and a way to open it again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from supervisor.store.port import Store

Opener = Callable[[], Awaitable[Store]]
"""Opens the same database again; each time is a new epoch."""


class ContractBase:
    """Base of the parts; `opener` comes from the engine's own test file."""

    @pytest.fixture
    async def store(self, opener: Opener) -> AsyncIterator[Store]:
        """A store, open."""
        store = await opener()
        yield store
        await store.close()
