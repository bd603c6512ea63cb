"""The `PLUGIN` of a channel or connector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from supervisor.protocol.ports.channel import Channel, ChannelHost
from supervisor.protocol.ports.connector import Connector, ConnectorHost

ConfigT = TypeVar("ConfigT")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlugin(Generic[ConfigT]):
    """The `PLUGIN` of a channel.

    Attributes:
        name: the name of the package and of the table `[channels.NAME]`.
        config: a dataclass; its fields are the keys of the table. A key without a field is refused.
        build: creates the channel.
    """

    name: str
    config: type[ConfigT]
    build: Callable[[ConfigT, ChannelHost], Channel]


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
