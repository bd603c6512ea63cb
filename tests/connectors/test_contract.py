"""Every connector keeps the contract."""

from __future__ import annotations

import pkgutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import connectors
from connectors.assistant.config import AssistantConfig
from connectors.assistant.plugin import PLUGIN as ASSISTANT
from connectors.claude_code.config import ClaudeCodeConfig
from connectors.claude_code.plugin import PLUGIN as CLAUDE_CODE
from connectors.echo.plugin import PLUGIN as ECHO
from connectors.echo.plugin import EchoConfig
from connectors.remote.plugin import PLUGIN as REMOTE
from connectors.remote.plugin import RemoteConfig
from supervisor.models.offline.model import OfflineModel
from supervisor.protocol.conversation import ModelEndpoint
from tests.connectors.contract import Backend, BackendFactory, ConnectorContract, PlainHost, session_spec
from tests.connectors.remote.server import NEVER_ANSWERED, RemoteServer


@asynccontextmanager
async def echo(folder: Path) -> AsyncIterator[Backend]:
    connector = ECHO.build(EchoConfig(), PlainHost(folder))
    yield Backend(connector=connector, session=session_spec(folder), quick="hello")


@asynccontextmanager
async def assistant(folder: Path) -> AsyncIterator[Backend]:
    connector = ASSISTANT.build(AssistantConfig(), PlainHost(folder))
    async with OfflineModel() as model:
        endpoint = ModelEndpoint(base_url=model.url, token="of-the-session")
        yield Backend(
            connector=connector,
            session=session_spec(folder, endpoint=endpoint),
            quick="hello",
            slow='@@{"steps":[{"text":"one two three four five six","token_delay":60}]}',
        )


@asynccontextmanager
async def remote(folder: Path) -> AsyncIterator[Backend]:
    async with RemoteServer() as server:
        connector = REMOTE.build(RemoteConfig(websocket_url=server.url), PlainHost(folder))
        yield Backend(
            connector=connector,
            session=session_spec(folder),
            quick="hello",
            slow=NEVER_ANSWERED,
            slow_runs=lambda _: any(prompt["content"] == NEVER_ANSWERED for prompt in server.prompts),
        )


@asynccontextmanager
async def claude_code(folder: Path) -> AsyncIterator[Backend]:
    connector = CLAUDE_CODE.build(ClaudeCodeConfig(sandbox="off"), PlainHost(folder))
    async with OfflineModel() as model:
        endpoint = ModelEndpoint(base_url=model.url, token="of-the-session")
        yield Backend(
            connector=connector,
            session=session_spec(folder, endpoint=endpoint),
            quick="hello",
            slow='@@{"steps":[{"text":"one two three four five six","token_delay":60}]}',
        )


BACKENDS: Mapping[str, BackendFactory] = {
    "assistant": assistant,
    "claude_code": claude_code,
    "echo": echo,
    "remote": remote,
}
INTERRUPTIBLE = ("assistant", "claude_code", "remote")
"""The connectors whose turns take time."""


def test_every_connector_is_under_the_contract() -> None:
    assert set(BACKENDS) == {found.name for found in pkgutil.iter_modules(connectors.__path__)}


class TestConnectors(ConnectorContract):
    @pytest.fixture(params=sorted(BACKENDS))
    async def backend(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
        async with BACKENDS[request.param](tmp_path) as backend:
            yield backend

    @pytest.fixture(params=INTERRUPTIBLE)
    async def slow_backend(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
        async with BACKENDS[request.param](tmp_path) as backend:
            yield backend
