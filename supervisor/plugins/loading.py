"""From a name in config.toml to a channel or connector: the core imports none of them by name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from supervisor import config
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.ports import (
    Channel,
    ChannelHost,
    ChannelPlugin,
    Connector,
    ConnectorHost,
    ConnectorPlugin,
)


def check(settings: config.Config) -> None:
    """Check what only plug-ins know of a configuration: before anything starts.

    Raises:
        ConfigError: a channel or connector that does not exist, or a channel's table that cannot be used.
    """
    _plugin("connectors", settings.claude_code.connector, "claude_code.connector")
    for name, table in settings.channels.items():
        config.parse(_plugin("channels", name).config, table, f"channels.{name}")


def channel(name: str, table: Mapping[str, Any], host: ChannelHost) -> Channel:
    """Build the channel of a `[channels.NAME]` table.

    Raises:
        ConfigError: no such channel, or its table cannot be used.
    """
    plugin = _plugin("channels", name)
    if not isinstance(plugin, ChannelPlugin):
        raise AssertionError(f"channels.{name}.plugin.PLUGIN must be a ChannelPlugin")
    settings = config.parse(plugin.config, table, f"channels.{name}")
    built: Channel = plugin.build(settings, host)
    return built


def connector(name: str, key: str, settings: object, host: ConnectorHost) -> Connector:
    """Build a connector from those settings of a config section that it names as its own.

    Args:
        key: where the name stands in config.toml, for messages.
        settings: the section's dataclass; empty strings mean the connector's own default.

    Raises:
        ConfigError: no such connector, or its settings cannot be used.
    """
    plugin = _plugin("connectors", name, f"{key}.connector")
    if not isinstance(plugin, ConnectorPlugin):
        raise AssertionError(f"connectors.{name}.plugin.PLUGIN must be a ConnectorPlugin")
    wanted = {item.name for item in fields(plugin.config)}
    given = asdict(settings)  # type: ignore[call-overload]
    chosen = {name: value for name, value in given.items() if name in wanted and value != ""}
    built: Connector = plugin.build(config.parse(plugin.config, chosen, key), host)
    return built


def _plugin(kind: str, name: str, key: str = "") -> Any:
    """Import `<kind>.<name>.plugin`; what the module itself fails to import is not hidden."""
    known = sorted(item.name for item in pkgutil.iter_modules(importlib.import_module(kind).__path__) if item.ispkg)
    if name not in known:
        raise ConfigError(key or f"{kind}.{name}", f"there is no {kind[:-1]} {name!r}", f"there is {', '.join(known)}")
    return importlib.import_module(f"{kind}.{name}.plugin").PLUGIN
