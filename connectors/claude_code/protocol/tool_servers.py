"""Which tool servers Claude Code has reached: it is asked before its first prompt, and says so in each turn.

A server that came back, or whose tools have changed, it reaches again before the next prompt.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from connectors.claude_code.protocol.frames import Unanswered, items, text

logger = logging.getLogger(__name__)

WAIT_SECONDS = 20.0
"""How long a session waits for its tool servers before its first prompt, in seconds."""

POLL_SECONDS = 0.05
"""Seconds between two questions to Claude Code."""

RENEW_SECONDS = 5.0
"""How long a prompt waits for servers that came back, in seconds."""

REQUEST: Mapping[str, Any] = {"subtype": "mcp_status"}
"""The control request for the state of all servers."""

CONNECTED, PENDING = "connected", "pending"
"""States of a server that matter here; any other one is a failure."""

Ask = Callable[[Mapping[str, Any], float], Awaitable[Mapping[str, Any]]]
"""Sends a control request, with a time limit in seconds, and returns the response."""


def states(body: Mapping[str, Any], key: str) -> dict[str, str]:
    """Return the state of each server by its name, from the list under a key."""
    return {text(one, "name"): text(one, "status") for one in items(body, key) if isinstance(one, dict)}


async def settled(ask: Ask, names: frozenset[str], *, seconds: float = WAIT_SECONDS) -> None:
    """Return when no server is being connected to any more, or after some seconds."""
    deadline = time.monotonic() + seconds
    while names:
        try:
            found = states(await ask(REQUEST, max(1.0, deadline - time.monotonic())), "mcpServers")
        except Unanswered as error:
            logger.warning("the state of tool servers is not known: %s", error)
            return
        if all(found.get(name, PENDING) != PENDING for name in names) or time.monotonic() > deadline:
            return
        await asyncio.sleep(POLL_SECONDS)


async def renewed(ask: Ask, names: Sequence[str], *, seconds: float = RENEW_SECONDS) -> None:
    """Let Claude Code connect to servers anew, and read their tools; what fails is logged.

    Args:
        seconds: how long it may take.
    """

    async def again(name: str) -> None:
        try:
            await ask({"subtype": "mcp_reconnect", "serverName": name}, seconds)
        except Unanswered as error:
            logger.info("the tools of %s are not there yet: %s", name, error)

    await asyncio.gather(*map(again, names))


def without(body: Mapping[str, Any], names: frozenset[str]) -> str:
    """Return a sentence on the servers without which a turn begins, from its `init` message; empty = all are there."""
    found = states(body, "mcp_servers")
    lacking = sorted(name for name in names if found.get(name) != CONNECTED)
    if not lacking:
        return ""
    return f"(Without the tools of {' and '.join(lacking)}, which could not be reached.)\n\n"
