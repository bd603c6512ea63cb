"""The status of sessions is published to whoever subscribes, and the end of a session where nobody asked for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.protocol.events import AnyEvent, ClaudeCodeDisconnected
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import EndReason
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import connect


@pytest.mark.parametrize(("reason", "told"), [(EndReason.IDLE, 1), (EndReason.EVICTED, 1), (EndReason.USER, 0)])
async def test_the_end_of_a_session_is_published_unless_a_person_asked_for_it(
    tmp_path: Path, reason: EndReason, told: int
) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        heard: list[AnyEvent] = []
        core.hub.subscribe("session:s1", heard.append)
        await core.sessions.close(SessionId("s1"), reason)
        ends = [event.reason for event in heard if isinstance(event, ClaudeCodeDisconnected)]
        assert ends == [reason.value] * told
        assert len(heard) > told, "its status is published as well"


async def test_a_suspended_session_has_not_ended(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await connect(core)
        heard: list[AnyEvent] = []
        core.hub.subscribe("session:s1", heard.append)
        live = core.sessions.live(SessionId("s1"))
        assert live is not None
        await core.sessions.suspend(live)
        assert heard != []
        assert not [event for event in heard if isinstance(event, ClaudeCodeDisconnected)]
