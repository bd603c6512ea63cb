"""What the daemon offers to channels and connectors: it implements the ports `ChannelHost` and `ConnectorHost`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from supervisor.cluster.addresses import NodeAddresses
from supervisor.delivery.outbound import outbound_of
from supervisor.delivery.outbox import Outbox
from supervisor.intake.intake import Intake
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.messages import Address, Delivery, Inbound, Outbound, Receipt
from supervisor.protocol.ports.channel import OfAnotherNode
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.peers import ports
from supervisor.runtime.peers.agents import is_agents
from supervisor.store.ports.keys import IdempotencyStore
from supervisor.store.ports.outbox import OutboxStore


class DaemonChannelHost:
    """Serves one channel; see `ChannelHost` for each method.

    Args:
        name: the name of the channel.
        threads: finds the threads and the texts of earlier replies.
        marks: keeps the marks of the channel, each under the channel's name.
        nodes: the addresses of other nodes.
        public_url: the URL by which the outside reaches the HTTP server; empty = it does not.
    """

    def __init__(
        self,
        name: str,
        *,
        credentials: Credentials,
        intake: Intake,
        outbox: Outbox,
        threads: OutboxStore,
        marks: IdempotencyStore,
        nodes: NodeAddresses,
        public_url: str,
    ) -> None:
        self._name = name
        self._credentials = credentials
        self._intake = intake
        self._outbox = outbox
        self._threads = threads
        self._marks = marks
        self._nodes = nodes
        self._public_url = public_url.rstrip("/")

    @property
    def public_url(self) -> str:
        """See `ChannelHost`."""
        return self._public_url

    def secret(self, name: str) -> str:
        """See `ChannelHost`."""
        value = self._credentials.common(name)
        if value is None:
            raise ConfigError(f"channels.{self._name}", f"{name} is not set", f"set {name} or {name}_FILE")
        return value

    def generated_secret(self, name: str) -> bytes:
        """See `ChannelHost`."""
        return self._credentials.shared(name)

    def knows(self, sender: Address) -> bool:
        """See `ChannelHost`."""
        return self._intake.knows(sender)

    async def accept(self, inbound: Inbound) -> Receipt:
        """See `ChannelHost`."""
        return await self._intake.accept(inbound)

    async def was_accepted(self, inbound: Inbound) -> bool:
        """See `ChannelHost`."""
        return await self._intake.was_accepted(inbound)

    async def dropped(self, sender: str, why: str, message: Inbound | None = None) -> None:
        """See `ChannelHost`."""
        await self._intake.dropped(self._name, sender, why, message)

    async def comes_from_agent(self, connection: socket.socket) -> bool:
        """See `ChannelHost`."""
        if connection.family != socket.AF_UNIX:
            with suppress(OSError):  # the connection has ended
                if await self._nodes.are_elsewhere(connection.getpeername()[0]):
                    raise OfAnotherNode
        return await asyncio.to_thread(is_agents, connection)

    async def about_port(self, port: int) -> str:
        """See `ChannelHost`."""
        return await asyncio.to_thread(ports.remedy, port)

    async def delivered(self, delivery: Delivery) -> bool:
        """See `ChannelHost`."""
        return await self._outbox.delivered(self._name, delivery) is not None

    def leads(self) -> bool:
        """See `ChannelHost`."""
        return self._outbox.leads(self._name)

    def tried(self, *, reached: bool) -> None:
        """See `ChannelHost`."""
        self._outbox.tried(self._name, reached=reached)

    async def find_thread(self, names: Sequence[str]) -> str | None:
        """See `ChannelHost`."""
        return await self._threads.find_thread(self._name, names)

    async def sent_replies(self, names: Sequence[str]) -> list[Outbound]:
        """See `ChannelHost`."""
        return [outbound_of(row) for row in await self._threads.sent_replies(self._name, names)]

    async def recent_replies(self, to: Address) -> list[Outbound]:
        """See `ChannelHost`."""
        return [outbound_of(row) for row in await self._threads.recent(self._name, to)]

    async def get_mark(self, name: str) -> int | None:
        """See `ChannelHost`."""
        return await self._marks.get_mark(f"{self._name}/{name}")

    async def set_mark(self, name: str, value: int) -> None:
        """See `ChannelHost`."""
        await self._marks.set_mark(f"{self._name}/{name}", value)


class DaemonConnectorHost:
    """Serves every connector; see `ConnectorHost` for each method."""

    def __init__(self, credentials: Credentials, own_folders: Sequence[Path]) -> None:
        self._credentials = credentials
        self._own_folders = own_folders

    def secret(self, name: str) -> str | None:
        """See `ConnectorHost`."""
        return self._credentials.secret(name)

    @property
    def state_dir(self) -> str:
        """See `ConnectorHost`."""
        return str(self._own_folders[0])

    @property
    def own_folders(self) -> Sequence[str]:
        """See `ConnectorHost`."""
        return [str(folder) for folder in self._own_folders]
