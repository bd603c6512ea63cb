"""The entry of the connector: `connector = "claude_code"` in config.toml loads it."""

from __future__ import annotations

from connectors.claude_code.config import ClaudeCodeConfig
from connectors.claude_code.connector import ClaudeCodeConnector
from supervisor.protocol.ports.plugin import ConnectorPlugin

PLUGIN = ConnectorPlugin(name="claude_code", config=ClaudeCodeConfig, build=ClaudeCodeConnector)
