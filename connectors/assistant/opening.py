"""Opens a conversation with the model. Imports the SDK, which takes longer than everything else at the start."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import anthropic
import httpx2

from connectors.assistant.config import AssistantConfig
from connectors.assistant.conversation import AssistantConversation
from connectors.assistant.rounds import CallSettings
from supervisor.protocol.conversation import Exchange, ModelEndpoint, SessionSpec

CONNECT_TIMEOUT = 5.0
"""Seconds for connecting to the gateway, which is on this machine."""


def opened(
    config: AssistantConfig,
    session: SessionSpec,
    endpoint: ModelEndpoint,
    history: Sequence[Exchange],
    *,
    max_retries: int,
) -> AssistantConversation:
    """Return a conversation that asks the model behind `endpoint`; nothing is sent before its first prompt."""
    client = anthropic.AsyncAnthropic(
        api_key=endpoint.token,
        base_url=endpoint.base_url,
        max_retries=max_retries,
        timeout=httpx2.Timeout(session.turn_timeout, connect=CONNECT_TIMEOUT),
        open_telemetry=False,
        # No proxy of the environment, and no redirect to another host.
        http_client=httpx2.AsyncClient(
            trust_env=False, follow_redirects=False, verify=_tls_settings(endpoint.base_url)
        ),
    )
    settings = CallSettings(
        model=session.model or config.model,
        system_prompt=config.prompt_for(with_tools=False),
        system_prompt_with_tools=config.prompt_for(with_tools=True),
        max_tokens=config.max_tokens,
        history_tokens=config.history_tokens,
        turn_timeout=session.turn_timeout,
        max_rounds=config.max_rounds,
    )
    return AssistantConversation(session, client, settings, history, tool_seconds=config.tool_timeout_seconds)


def _tls_settings(base_url: str) -> ssl.SSLContext | bool:
    """Return `verify` for the client. Loading CA certificates takes longer than a turn; plain HTTP needs none."""
    if base_url.startswith("https:"):
        return True
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without CA certificates it trusts no server
