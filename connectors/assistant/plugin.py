"""The connector of the default assistant, and its table in config.toml."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import anthropic
import httpx2

from connectors.assistant.conversation import AssistantConversation, CallSettings
from supervisor.protocol.conversation import Exchange, SessionSpec
from supervisor.protocol.errors import ConfigError, ConnectionFailed
from supervisor.protocol.ports import Connector, ConnectorHost, ConnectorPlugin, Conversation

CONNECT_TIMEOUT = 5.0
"""Seconds for connecting to the gateway, which is on this machine."""

SYSTEM_PROMPT = """\
You are the assistant at the front desk of xswarm, a service through which people reach Claude Code by text message, \
mail and chat.
Answer in the language of the message, in plain text that suits a text message: a few short sentences, no headings, \
no tables.
You have no tools. You cannot read or change files, run commands, look anything up, or pass a message on to \
Claude Code; never say that you did or will.
When people want work done in a project (code, files, tests, git, a deployment), tell them to send the request again \
beginning with "claude:", or with a word such as "fix", "build", "test" or "deploy" in it: then Claude Code takes it.
Say so when you do not know something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantConfig:
    """The `[assistant]` table.

    Attributes:
        model: the model that answers.
        system_prompt: the instructions for the model; empty for none.
        max_tokens: most tokens of one answer.
        history_tokens: most tokens of the history in a request, by estimate; 0 for no history.
    """

    model: str = "claude-haiku-5-5"
    system_prompt: str = SYSTEM_PROMPT
    max_tokens: int = 1024
    history_tokens: int = 8000


class AssistantConnector(Connector):
    """Opens a conversation per turn. It keeps no state between turns: `open` gets the history.

    Args:
        max_retries: how often a call is retried that failed before its answer began (429, 5xx, connection).
    """

    name = "assistant"
    keeps_process = False

    def __init__(self, config: AssistantConfig, *, max_retries: int = 2) -> None:
        self._config = config
        self._max_retries = max_retries

    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        endpoint = session.endpoint
        if endpoint is None:
            raise ConnectionFailed("the assistant has no endpoint of a model")
        client = anthropic.AsyncAnthropic(
            api_key=endpoint.token,
            base_url=endpoint.base_url,
            max_retries=self._max_retries,
            timeout=httpx2.Timeout(session.turn_timeout, connect=CONNECT_TIMEOUT),
            open_telemetry=False,
            # No proxy of the environment, and no redirect to another host.
            http_client=httpx2.AsyncClient(
                trust_env=False, follow_redirects=False, verify=_tls_settings(endpoint.base_url)
            ),
        )
        settings = CallSettings(
            model=session.model or self._config.model,
            system_prompt=self._config.system_prompt,
            max_tokens=self._config.max_tokens,
            history_tokens=self._config.history_tokens,
            turn_timeout=session.turn_timeout,
        )
        return AssistantConversation(session.id, client, settings, history)


def _tls_settings(base_url: str) -> ssl.SSLContext | bool:
    """Return `verify` for the client. Loading CA certificates takes longer than a turn; plain HTTP needs none."""
    if base_url.startswith("https:"):
        return True
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without CA certificates it trusts no server


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
    return AssistantConnector(config)


PLUGIN = ConnectorPlugin(name="assistant", config=AssistantConfig, build=build)
