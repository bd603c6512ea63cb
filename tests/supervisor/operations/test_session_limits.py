"""Admission of new sessions: `max_sessions` and `max_sessions_per_user` hold also for concurrent connects."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.config import ClaudeCode
from supervisor.people.identity import Caller
from supervisor.protocol.errors import (
    MaxSessions,
)
from supervisor.protocol.messages import SessionId
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import OPERATOR, Core
from tests.supervisor.helpers import PLENTY, connect

S1 = SessionId("s1")


def operator(core: Core) -> Caller:
    """Return the operator."""
    return core.directory.caller(OPERATOR)


async def test_concurrent_connects_do_not_exceed_the_limit_of_sessions(tmp_path: Path) -> None:
    settings = ClaudeCode(max_sessions=3, max_processes=10)
    async with Core(tmp_path, connector=ScriptedConnector(), claude_code=settings) as core:
        ends = await asyncio.gather(*(connect(core, f"s{number}") for number in range(8)), return_exceptions=True)
        refused = [end for end in ends if isinstance(end, MaxSessions)]
        assert len(refused) == 5
        assert str(refused[0]) == "Maximum number of sessions (3) reached"
        live = [row.id for row in await core.store.sessions.list()]
        await core.operations.sessions.disconnect(operator(core), live[0])
        assert await connect(core, "another") is False


async def test_one_user_does_not_exceed_the_limit_of_sessions_per_user(tmp_path: Path) -> None:
    settings = replace(PLENTY, max_sessions_per_user=1)
    async with Core(tmp_path, connector=ScriptedConnector(), claude_code=settings) as core:
        await connect(core, "s1")
        with pytest.raises(MaxSessions, match=r"\(1\)"):
            await connect(core, "s2")
        await connect(core, "s3", user="bob")
