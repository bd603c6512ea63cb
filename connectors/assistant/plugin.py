"""The connector of the default assistant."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Sequence

from connectors.assistant.config import AssistantConfig
from supervisor.protocol.conversation import Exchange, SessionSpec
from supervisor.protocol.errors import ConfigError, ConnectionFailed
from supervisor.protocol.ports.connector import Connector, ConnectorHost, Conversation
from supervisor.protocol.ports.plugin import ConnectorPlugin

OPENING = "connectors.assistant.opening"
"""The module that imports the SDK of the Messages API. It is loaded when the daemon is ready, in a thread."""


class AssistantConnector(Connector):
    """Opens a conversation per turn. It keeps no state between turns: `open` gets the history.

    Args:
        max_retries: how often a call is retried that failed before its answer began (429, 5xx, connection).
    """

    name = "assistant"

    def __init__(self, config: AssistantConfig, *, max_retries: int = 2) -> None:
        self._config = config
        self._max_retries = max_retries
        self._opened: Callable[..., Conversation] | None = None

    async def warm_up(self) -> None:
        if self._opened is None:
            self._opened = (await asyncio.to_thread(importlib.import_module, OPENING)).opened

    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        endpoint = session.endpoint
        if endpoint is None:
            raise ConnectionFailed("the assistant has no endpoint of a model")
        await self.warm_up()
        assert self._opened is not None, "it is loaded"
        return self._opened(self._config, session, endpoint, history, max_retries=self._max_retries)


def build(config: AssistantConfig, host: ConnectorHost) -> AssistantConnector:
    """Build the connector.

    Raises:
        ConfigError: a value of `[assistant]` is out of range.
    """
    if not config.model.strip():
        raise ConfigError("assistant.model", "must name a model, e.g. claude-haiku-5-5")
    if config.max_tokens < 1:
        raise ConfigError("assistant.max_tokens", f"must be at least 1, not {config.max_tokens}")
    if config.history_tokens < 0:
        raise ConfigError("assistant.history_tokens", f"must be 0 or more, not {config.history_tokens}")
    if config.max_rounds < 1:
        raise ConfigError("assistant.max_rounds", f"must be at least 1, not {config.max_rounds}")
    if not config.tool_timeout_seconds > 0:
        raise ConfigError("assistant.tool_timeout_seconds", f"must be above 0, not {config.tool_timeout_seconds:g}")
    return AssistantConnector(config)


PLUGIN = ConnectorPlugin(name="assistant", config=AssistantConfig, build=build)
