"""Single prompts: in a session of their own, bounded in time, and in a folder that the user may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.operations.one_shot import MAX_CHARACTERS, MAX_LINES, OneShot, Stream
from supervisor.protocol.errors import ProjectNotAllowed, TurnFailed, UserNotFound
from supervisor.protocol.status import EndReason
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import OPERATOR, Core
from tests.supervisor.helpers import project, scripted


def one_shot(core: Core, seconds: float = 60.0) -> OneShot:
    return OneShot(
        operations=core.operations,
        sessions=core.sessions,
        projects=core.projects,
        default_project="",
        seconds=seconds,
    )


async def test_a_run_has_a_session_of_its_own_that_ends_with_it(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        caller, shots = core.directory.caller(OPERATOR), one_shot(core)
        alice = shots.user(caller, "alice")
        async with shots.run(caller, alice, "hello", project="site", model="claude-x") as (stream, work):
            await work
            assert await stream.next() is None
        (session,) = await core.store.sessions.list(user_id=alice.id, active_only=False)
        assert (session.message_count, session.end_reason) == (1, EndReason.USER)
        assert scripted(core).opened[0].spec.model == "claude-x"
        assert not scripted(core).open_now()
        with pytest.raises(UserNotFound):
            shots.user(caller, None)


async def test_a_run_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        caller, shots = core.directory.caller(OPERATOR), one_shot(core, seconds=0.05)
        async with shots.run(caller, shots.user(caller, "alice"), "hold on", project=None, model=None) as (_, work):
            with pytest.raises(TurnFailed, match=r"it took longer than 0\.05 seconds"):
                await work
        assert not scripted(core).open_now()


async def test_a_run_whose_client_does_not_read_is_ended_and_leaves_out_nothing(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        caller, shots = core.directory.caller(OPERATOR), one_shot(core)
        async with shots.run(caller, shots.user(caller, "alice"), "hold on", project=None, model=None) as (
            stream,
            work,
        ):
            for number in range(MAX_LINES + 1):
                stream.take(str(number), False)
            with pytest.raises(TurnFailed, match="has left too many lines unread"):
                await work
            assert not scripted(core).open_now(), "its process is gone before the client is"
            lines = [await stream.next() for _ in range(MAX_LINES + 1)]
            assert lines == [*((str(number), False) for number in range(MAX_LINES)), None]


async def test_a_run_works_in_a_project_of_the_user_or_in_their_scratch_folder(tmp_path: Path) -> None:
    more = project(tmp_path, "free")
    async with Core(tmp_path, connector=ScriptedConnector(), projects=more) as core:
        caller, shots = core.directory.caller(OPERATOR), one_shot(core)
        alice, olga = shots.user(caller, "alice"), shots.user(caller, "olga")
        assert shots._folder(alice, "free") == str(tmp_path / "free")
        assert shots._folder(alice, None) == str(tmp_path / "scratch" / "alice")  # two projects, and no default
        assert shots._folder(olga, None) == str(core.site)
        with pytest.raises(ProjectNotAllowed):
            shots._folder(alice, "vault")


@pytest.mark.parametrize(("line", "most"), [("line", MAX_LINES), ("x" * 900_000, MAX_CHARACTERS // 900_000)])
async def test_lines_that_nobody_reads_are_bounded(line: str, most: int) -> None:
    stream = Stream()
    for _ in range(most):
        stream.take(line, False)
    assert not stream.overrun.is_set()
    for _ in range(5):
        stream.take(line, False)
    assert stream.overrun.is_set()
    stream.end()
    assert [await stream.next() for _ in range(most + 1)] == [*[(line, False)] * most, None]


async def test_a_client_that_reads_gets_any_number_of_long_lines() -> None:
    stream = Stream()
    for _ in range(3 * MAX_CHARACTERS // 900_000):
        stream.take("x" * 900_000, False)
        assert await stream.next() == ("x" * 900_000, False)
    assert not stream.overrun.is_set()
