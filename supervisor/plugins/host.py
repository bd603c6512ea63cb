"""What the core gives channels and connectors: the far side of `ChannelHost` and `ConnectorHost`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from supervisor.delivery.outbox import Outbox
from supervisor.intake.intake import Intake
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.messages import Delivery, Inbound, Receipt
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.peers import is_agents
from supervisor.store.port import Store


class Host:
    """Serves one channel.

    Args:
        name: the channel's.
        public_url: known once the HTTP server listens.
    """

    def __init__(
        self,
        name: str,
        *,
        credentials: Credentials,
        intake: Intake,
        outbox: Outbox,
        store: Store,
        public_url: Callable[[], str],
    ) -> None:
        self._name = name
        self._credentials = credentials
        self._intake = intake
        self._outbox = outbox
        self._store = store
        self._public_url = public_url

    @property
    def public_url(self) -> str:
        """See `ChannelHost`."""
        return self._public_url().rstrip("/")

    def secret(self, name: str) -> str:
        """See `ChannelHost`."""
        value = self._credentials.secret(name)
        if value is None:
            raise ConfigError(f"channels.{self._name}", f"{name} is not set", f"set {name} or {name}_FILE")
        return value

    def generated_secret(self, name: str) -> bytes:
        """See `ChannelHost`."""
        return self._credentials.generated(name)

    async def accept(self, inbound: Inbound) -> Receipt:
        """See `ChannelHost`."""
        return await self._intake.accept(inbound)

    async def dropped(self, sender: str, why: str) -> None:
        """See `ChannelHost`."""
        await self._intake.dropped(self._name, sender, why)

    async def comes_from_agent(self, connection: socket.socket) -> bool:
        """See `ChannelHost`."""
        return await asyncio.to_thread(is_agents, connection)

    async def delivered(self, delivery: Delivery) -> None:
        """See `ChannelHost`."""
        await self._outbox.delivered(self._name, delivery)

    async def find_thread(self, provider_ids: Sequence[str]) -> str | None:
        """See `ChannelHost`."""
        return await self._store.outbox.find_thread(self._name, provider_ids)

    async def get_mark(self, name: str) -> int | None:
        """See `ChannelHost`."""
        return await self._store.keys.get_mark(f"{self._name}/{name}")

    async def set_mark(self, name: str, value: int) -> None:
        """See `ChannelHost`."""
        await self._store.keys.set_mark(f"{self._name}/{name}", value)


class ConnectorSide:
    """Serves connectors."""

    def __init__(self, credentials: Credentials, state_dir: Path) -> None:
        self._credentials = credentials
        self._state_dir = state_dir

    def secret(self, name: str) -> str | None:
        """See `ConnectorHost`."""
        return self._credentials.secret(name)

    @property
    def state_dir(self) -> str:
        """See `ConnectorHost`."""
        return str(self._state_dir)
