"""What happens to a session is stored as its status; a store that fails keeps no process alive."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.protocol.errors import SessionNotActive, StorageError, TurnFailed
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import EndReason, SessionStatus
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import (
    ask,
    connect,
    scripted,
    session,
)
from tests.waiting import until


async def _is(core: Core, wanted: SessionStatus) -> bool:
    return (await session(core)).status is wanted


async def test_three_failures_in_a_row_are_an_error_until_somebody_connects(tmp_path: Path) -> None:
    connector = ScriptedConnector()
    async with Core(tmp_path, connector=connector) as core:
        await connect(core)
        told = []
        for _ in range(3):
            with pytest.raises(TurnFailed) as failed:
                await ask(core, "die killed")
            told.append(str(failed.value) + failed.value.remedy)
            await until(lambda: not core.sessions.process_count(), "its end is seen")
        assert ["does not start again by itself" in one for one in told] == [False, False, True]
        await until(lambda: _is(core, SessionStatus.ERROR), "it gave up")
        assert (await session(core)).end_reason.startswith("needs attention: failed repeatedly: ")
        assert "killed" in (await session(core)).end_reason
        with pytest.raises(SessionNotActive):
            await ask(core, "hello")
        assert await connect(core) is True
        assert (await ask(core, "hello")).answer == "hello"


async def test_a_success_between_failures_starts_the_count_anew(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        for _ in range(4):
            with pytest.raises(TurnFailed):
                await ask(core, "die killed")
            await until(lambda: not core.sessions.process_count(), "its end is seen")
            assert (await ask(core, "hello")).answer == "hello"


async def test_a_store_that_refuses_keeps_no_process_alive(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        for name in ("s1", "s2"):
            await connect(core, name)
        await core.store.close()
        with pytest.raises(StorageError):
            await core.sessions.close(SessionId("s1"), EndReason.USER)
        await core.sessions.close_all(EndReason.SHUTDOWN)
        assert scripted(core).open_now() == []
