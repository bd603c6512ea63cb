"""The `PLUGIN` of a channel or connector."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from supervisor.protocol.ports.channel import Channel, ChannelHost
from supervisor.protocol.ports.checks import Check, Trial
from supervisor.protocol.ports.connector import Connector, ConnectorHost

ConfigT = TypeVar("ConfigT")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlugin(Generic[ConfigT]):
    """The `PLUGIN` of a channel.

    Attributes:
        name: the name of the package and of the table `[channels.NAME]`.
        config: a dataclass; its fields are the keys of the table. A key without a field is refused.
        build: creates the channel.
        try_out: sets up the provider, sends a test message and waits for it; yields the result of each step, and ends
            at the first that failed. None = there is nothing to try.
    """

    name: str
    config: type[ConfigT]
    build: Callable[[ConfigT, ChannelHost], Channel]
    try_out: Callable[[ConfigT, Trial], AsyncIterator[Check]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorPlugin(Generic[ConfigT]):
    """The `PLUGIN` of a connector.

    Attributes:
        name: the name of the package and the value of `connector` in config.toml.
        config: a dataclass; its fields are those keys of `[claude_code]` that the connector uses (for the assistant, of
            `[assistant]`).
        build: creates the connector.
    """

    name: str
    config: type[ConfigT]
    build: Callable[[ConfigT, ConnectorHost], Connector]


AnyChannelPlugin = ChannelPlugin[Any]


AnyConnectorPlugin = ConnectorPlugin[Any]
