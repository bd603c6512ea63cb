"""Builds the two connectors that answer, prepares them, and loads what their first conversations need."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
from collections.abc import Iterable

from supervisor.config import Config
from supervisor.models.prices import PUBLISHED
from supervisor.people.authentication import Authenticator
from supervisor.people.sign_in.passkeys import CEREMONY
from supervisor.plugins import loading as plugins
from supervisor.plugins.host import DaemonConnectorHost
from supervisor.protocol.ports.connector import Connector
from supervisor.runtime.credentials import Credentials

logger = logging.getLogger(__name__)

GARBAGE_OBJECTS = 20_000
"""New objects after which the garbage collector looks for cycles; Python's default of 700 suits scripts."""


WARM_UP_AFTER_SECONDS = 30.0
"""Seconds after the start that belong to those who reconnect: loading an SDK keeps the interpreter busy for 0.5 s."""


async def prepare(config: Config, credentials: Credentials) -> tuple[Connector, Connector]:
    """Build and prepare both connectors in parallel: one waits for subprocesses while the other is imported.

    Returns:
        The connector of Claude Code sessions, and the assistant.

    Raises:
        ConfigError: the machine lacks what one of them needs.
    """
    host = DaemonConnectorHost(credentials, config.own_folders)

    async def prepared(name: str, key: str, settings: object) -> Connector:
        connector = await asyncio.to_thread(plugins.build_connector, name, key, settings, host)
        for line in await connector.prepare():
            logger.info("%s", line)
        return connector

    claude_code = asyncio.create_task(
        prepared(config.claude_code.connector, "claude_code", config.claude_code), name="prepare claude_code"
    )
    assistant = asyncio.create_task(prepared("assistant", "assistant", config.assistant), name="prepare assistant")
    try:
        return await claude_code, await assistant
    finally:
        # If one connector fails, the start does not wait for the other.
        for task in (claude_code, assistant):
            task.cancel()
        await asyncio.gather(claude_code, assistant, return_exceptions=True)


async def warm_up(connectors: Iterable[Connector], authenticator: Authenticator) -> None:
    """Load what is not needed to become ready: keys of other issuers at once, large libraries a little later.

    Whoever needs one earlier loads it.
    """
    gc.set_threshold(GARBAGE_OBJECTS, 20, 100)
    await authenticator.load()
    await asyncio.sleep(WARM_UP_AFTER_SECONDS)
    for module in (PUBLISHED, CEREMONY):
        await asyncio.to_thread(importlib.import_module, module)
    for connector in connectors:
        await connector.warm_up()
    _exempt_imports_from_collection()


def _exempt_imports_from_collection() -> None:
    """Move all objects so far out of the garbage collector's reach: scanning them took a sixth of a busy loop."""
    gc.collect()
    gc.freeze()
