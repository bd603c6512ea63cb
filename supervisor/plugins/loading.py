"""Loads a channel or connector by its name in config.toml; nothing else in the supervisor imports one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, fields
from typing import Any

from supervisor import config
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.ports.channel import Channel, ChannelHost
from supervisor.protocol.ports.checks import Check, Trial
from supervisor.protocol.ports.connector import Connector, ConnectorHost
from supervisor.protocol.ports.plugin import ChannelPlugin, ConnectorPlugin


def check_plugins(settings: config.Config) -> None:
    """Check the parts of a configuration that belong to plug-ins, before the daemon starts anything.

    Raises:
        ConfigError: there is no such channel or connector, or the table of a channel is not valid.
    """
    _plugin("connectors", settings.claude_code.connector, "claude_code.connector")
    for name, table in settings.channels.items():
        config.parse(_plugin("channels", name).config, table, f"channels.{name}")


def build_channel(name: str, table: Mapping[str, Any], host: ChannelHost) -> Channel:
    """Build the channel of a `[channels.NAME]` table.

    Raises:
        ConfigError: there is no such channel, or its table is not valid.
    """
    plugin = _plugin("channels", name)
    if not isinstance(plugin, ChannelPlugin):
        raise AssertionError(f"channels.{name}.plugin.PLUGIN must be a ChannelPlugin")
    settings = config.parse(plugin.config, table, f"channels.{name}")
    built: Channel = plugin.build(settings, host)
    return built


def try_channel(name: str, table: Mapping[str, Any], trial: Trial) -> AsyncIterator[Check] | None:
    """Return the steps that try a `[channels.NAME]` table out; None = the channel has none.

    Raises:
        ConfigError: there is no such channel, or a key is unknown or invalid.
    """
    plugin = _plugin("channels", name)
    if plugin.try_out is None:
        return None
    steps: AsyncIterator[Check] = plugin.try_out(config.parse(plugin.config, table, f"channels.{name}"), trial)
    return steps


def build_connector(name: str, key: str, settings: object, host: ConnectorHost) -> Connector:
    """Build a connector from the settings that its own config class names.

    Args:
        key: the section of config.toml, for error messages.
        settings: the dataclass of the section; an empty string means the default of the connector.

    Raises:
        ConfigError: there is no such connector, or its settings are not valid.
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
    """Import `<kind>.<name>.plugin` and return its PLUGIN; an ImportError inside that module is not hidden."""
    known = sorted(item.name for item in pkgutil.iter_modules(importlib.import_module(kind).__path__) if item.ispkg)
    if name not in known:
        raise ConfigError(key or f"{kind}.{name}", f"there is no {kind[:-1]} {name!r}", f"there is {', '.join(known)}")
    return importlib.import_module(f"{kind}.{name}.plugin").PLUGIN
