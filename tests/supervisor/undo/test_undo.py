"""Undo: back and again, never over what came later, never beside a turn, and only for who may use the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.people.rights import Rights
from supervisor.protocol.errors import ProjectNotAllowed
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import Permissions
from supervisor.protocol.times import now_ms
from supervisor.store.ports.changes import ChangedTurn
from supervisor.undo.checkpoints.git import CheckpointFailed
from supervisor.undo.errors import (
    NothingToUndo,
    NotRecorded,
    UndoBusy,
    UndoConflict,
    UndoOverlapped,
    UndoRefused,
    UndoTooOld,
)
from supervisor.undo.recorder import KEPT_MS, Recorder
from supervisor.undo.undo import Undo, UndoDirection
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import PLENTY, ask, connect, project, scripted, send
from tests.waiting import until

S1 = SessionId("s1")


def core_with(folder: Path) -> Core:
    concurrent = project(folder, "free", permissions=Permissions.FULL, concurrent=True)
    return Core(folder, connector=ScriptedConnector(), claude_code=PLENTY, projects=concurrent)


async def changed(core: Core, text: str) -> ChangedTurn:
    """Let a turn of session s1 change a file, and return what was recorded of it."""
    await connect(core)
    answered = await ask(core, text)
    return await core.undo.find(S1, answered.turn.message_id)


async def test_a_turn_is_taken_back_and_the_undo_is_too(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        path = core.site / "a.txt"
        turn = await changed(core, "write a.txt new")
        would = await core.undo.take_back(turn, "alice", dry_run=True)
        assert (would.direction, would.paths, path.exists()) == (UndoDirection.BACK, ("a.txt",), True)
        assert (await core.undo.take_back(turn, "alice")).paths == ("a.txt",)
        assert not path.exists()
        with pytest.raises(UndoRefused, match="taken back before"):
            await core.undo.take_back(turn, "alice", direction=UndoDirection.BACK)
        assert (await core.undo.take_back(turn, "alice")).direction is UndoDirection.AGAIN
        assert path.read_text(encoding="utf-8") == "new\n"
        assert (await core.undo.take_back(turn, "alice")).direction is UndoDirection.BACK
        assert not path.exists()


async def test_an_undo_that_was_cut_off_before_it_was_written_down_can_be_taken_back(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        turn = await changed(core, "write a.txt new")
        shadow = core.recorder.shadow(turn.project_path)
        await shadow.revert(turn.before_commit, turn.after_commit, dry_run=False)
        assert (await core.undo.take_back(turn, "alice")).paths == ("a.txt",)
        assert not (core.site / "a.txt").exists()
        assert (await core.undo.take_back(turn, "alice")).direction is UndoDirection.AGAIN
        assert (core.site / "a.txt").read_text(encoding="utf-8") == "new\n"


async def test_what_was_changed_by_hand_elsewhere_is_kept(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        (core.site / "mine.txt").write_text("mine\n", encoding="utf-8")
        turn = await changed(core, "write a.txt new")
        (core.site / "mine.txt").write_text("mine, later\n", encoding="utf-8")
        await core.undo.take_back(turn, "alice")
        assert not (core.site / "a.txt").exists()
        assert (core.site / "mine.txt").read_text(encoding="utf-8") == "mine, later\n"


async def test_a_conflict_touches_nothing_and_names_the_places(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        turn = await changed(core, "write a.txt new")
        (core.site / "a.txt").write_text("by hand\n", encoding="utf-8")
        with pytest.raises(UndoConflict, match=r"changed since in the same places: a\.txt") as caught:
            await core.undo.take_back(turn, "alice")
        assert caught.value.remedy
        assert (core.site / "a.txt").read_text(encoding="utf-8") == "by hand\n"
        assert not (await core.undo.find(S1, turn.message_id)).undone


async def test_nothing_is_undone_beside_a_turn_that_changes_the_same_folder(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        turn = await changed(core, "write a.txt new")
        await send(core, "write b.txt hold")
        await until(scripted(core).held, "another turn has written")
        with pytest.raises(UndoBusy, match="a turn is changing files"):
            await core.undo.take_back(turn, "alice")
        scripted(core).release()
        await until(lambda: not core.recorder.changing(str(core.site)), "it has ended")
        await core.undo.take_back(turn, "alice")
        assert (core.site / "b.txt").exists()


async def test_turns_that_overlapped_are_not_undone(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        for name in ("s1", "s2"):
            await connect(core, name, path=tmp_path / "free")
        taken = await send(core, "write a.txt hold", "s1")
        await until(scripted(core).held, "the one has written")
        await ask(core, "write b.txt new", "s2")
        scripted(core).release()
        await until(lambda: not core.recorder.changing(str(tmp_path / "free")), "the one has ended")
        turn = await core.undo.find(S1, taken.accepted.message_id)
        with pytest.raises(UndoOverlapped, match="another turn changed files"):
            await core.undo.take_back(turn, "alice")


def nested_core(folder: Path, *, wide: bool = False, deep: bool = False) -> Core:
    """Return a core with a project in another one's folder; each may be concurrent."""
    settings = {"permissions": Permissions.FULL}
    projects = project(folder, "wide", concurrent=wide, **settings)
    projects |= project(folder / "wide", "deep", concurrent=deep, **settings)
    return Core(folder, connector=ScriptedConnector(), claude_code=PLENTY, projects=projects)


async def connect_nested(core: Core, undone: str, other: str) -> None:
    """Connect session s1 to the folder in which something is undone, s2 to the other."""
    for session_id, path in (("s1", undone), ("s2", other)):
        await connect(core, session_id, path=core.folder / path)


NESTED = pytest.mark.parametrize(("undone", "other"), [("wide", "wide/deep"), ("wide/deep", "wide")])


@NESTED
async def test_nothing_is_undone_beside_a_turn_of_a_project_in_it_or_around_it(
    tmp_path: Path, undone: str, other: str
) -> None:
    async with nested_core(tmp_path) as core:
        await connect_nested(core, undone, other)
        answered = await ask(core, "write a.txt new")
        turn = await core.undo.find(S1, answered.turn.message_id)
        taken = await send(core, "hold", "s2")
        await until(scripted(core).held, "a turn runs in the other")
        with pytest.raises(UndoBusy, match="a turn is running in the project, or in a folder in or around it"):
            await core.undo.take_back(turn, "alice")
        assert (tmp_path / undone / "a.txt").exists()
        scripted(core).release()
        await until(lambda: _has_ended(core, taken.accepted.message_id), "it ends")
        assert (await core.undo.take_back(turn, "alice")).paths == ("a.txt",)


@NESTED
async def test_nothing_is_undone_beside_a_turn_that_changes_a_folder_in_it_or_around_it(
    tmp_path: Path, undone: str, other: str
) -> None:
    async with nested_core(tmp_path, wide=True, deep=True) as core:
        await connect_nested(core, undone, other)
        answered = await ask(core, "write a.txt new")
        turn = await core.undo.find(S1, answered.turn.message_id)
        await send(core, "write b.txt hold", "s2")
        await until(scripted(core).held, "another turn has written")
        with pytest.raises(UndoBusy, match="a turn is changing files"):
            await core.undo.take_back(turn, "alice")
        scripted(core).release()
        await until(lambda: not core.recorder.changing(str(tmp_path / other)), "it has ended")
        assert (await core.undo.take_back(turn, "alice")).paths == ("a.txt",)
        assert (tmp_path / other / "b.txt").exists()


@pytest.mark.parametrize("alone", [True, False])
async def test_a_concurrent_project_waits_for_turns_that_run_alone_around_it(tmp_path: Path, alone: bool) -> None:
    async with nested_core(tmp_path, wide=not alone, deep=True) as core:
        await connect_nested(core, "wide/deep", "wide")
        answered = await ask(core, "write a.txt new")
        turn = await core.undo.find(S1, answered.turn.message_id)
        await send(core, "hold", "s2")
        await until(scripted(core).held, "a turn runs around it, and has changed nothing")
        if alone:
            with pytest.raises(UndoBusy, match="a turn is running"):
                await core.undo.take_back(turn, "alice")
        else:
            assert (await core.undo.take_back(turn, "alice")).paths == ("a.txt",)
        scripted(core).release()


@NESTED
async def test_turns_that_overlapped_in_nested_folders_are_not_undone(tmp_path: Path, undone: str, other: str) -> None:
    async with nested_core(tmp_path) as core:
        await connect_nested(core, undone, other)
        taken = await send(core, "write a.txt hold")
        await until(scripted(core).held, "the one has written")
        beside = await ask(core, "write b.txt new", "s2")
        scripted(core).release()
        await until(lambda: _has_ended(core, taken.accepted.message_id), "the one has ended")
        for session_id, message_id in ((S1, taken.accepted.message_id), (SessionId("s2"), beside.turn.message_id)):
            turn = await core.undo.find(session_id, message_id)
            with pytest.raises(UndoOverlapped, match="another turn changed files in the same folders"):
                await core.undo.take_back(turn, "alice")


async def test_without_a_message_the_last_turn_that_changed_files_is_meant(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        turn = await changed(core, "write a.txt new")
        await ask(core, "hello")
        assert await core.undo.find(S1, None) == turn
        with pytest.raises(NothingToUndo, match="no turn of this session"):
            await core.undo.find(SessionId("s2"), None)
        with pytest.raises(NothingToUndo, match=f"no turn of {turn.message_id} in this session has changed a file"):
            await core.undo.find(SessionId("s2"), turn.message_id)


async def test_the_difference_is_shown_as_a_diff(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        found = await core.undo.difference(await changed(core, "write a.txt new"))
        assert [operation.path for operation in found.operations] == ["a.txt"]
        assert "+new" in found.diff


async def test_whoever_lost_the_project_undoes_nothing_in_it(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await core.accounts.put_user("bob", name="Bob", role="COORDINATOR", projects=["vault"])
        await connect(core, "s1", path=core.vault, user="bob")
        taken = await send(core, "deny it")
        await until(lambda: _has_ended(core, taken.accepted.message_id), "it ends")
        turn = await changed_in(core, tmp_path)
        await core.accounts.put_user("alice", name="Alice", role="OPERATOR")
        with pytest.raises(Exception, match="may not start work") as caught:
            await core.undo.take_back(turn, "alice")
        assert not isinstance(caught.value, ProjectNotAllowed)


async def changed_in(core: Core, folder: Path) -> ChangedTurn:
    """Let a turn of alice's change a file."""
    await connect(core, "s3")
    answered = await ask(core, "write a.txt new", "s3")
    return await core.undo.find(SessionId("s3"), answered.turn.message_id)


async def _has_ended(core: Core, message_id: str) -> bool:
    found = await core.store.turns.result(message_id)  # type: ignore[arg-type]
    return found is not None and found.turn.state.final


async def test_a_folder_that_is_gone_is_said_so(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        turn = await changed(core, "write a.txt new")
        core.site.rename(tmp_path / "elsewhere")
        with pytest.raises(CheckpointFailed, match="is gone"):
            await core.undo.take_back(turn, "alice")


async def test_what_was_not_recorded_cannot_be_undone(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        (tmp_path / "checkpoints").write_text("in the way", encoding="utf-8")
        turn = await changed(core, "write a.txt new")
        with pytest.raises(NotRecorded, match="is not recorded"):
            await core.undo.take_back(turn, "alice")
        assert (core.site / "a.txt").exists()


async def test_nothing_is_undone_beside_a_turn_of_the_same_project_that_only_thinks(tmp_path: Path) -> None:
    alone = project(tmp_path, "free", permissions=Permissions.FULL)
    async with Core(tmp_path, connector=ScriptedConnector(), claude_code=PLENTY, projects=alone) as core:
        for name in ("s1", "s2"):
            await connect(core, name, path=tmp_path / "free")
        answered = await ask(core, "write a.txt new")
        turn = await core.undo.find(S1, answered.turn.message_id)
        taken = await send(core, "hold", "s2")
        await until(scripted(core).held, "another turn runs")
        with pytest.raises(UndoBusy, match="a turn is running"):
            await core.undo.take_back(turn, "alice")
        scripted(core).release()
        await until(lambda: _has_ended(core, taken.accepted.message_id), "it ends")
        assert (await core.undo.take_back(turn, "alice")).paths == ("a.txt",)


async def test_a_turn_that_is_too_old_is_said_so_and_never_meant_without_its_name(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        turn = await changed(core, "write a.txt new")
        at = turn.before_ms + KEPT_MS
        for clock, is_too_old in ((lambda: at, False), (lambda: at + 1, True)):
            recorder = Recorder(core.store.changes, core.store.turns, tmp_path, clock=clock)
            undo = Undo(core.store.changes, recorder, Rights(core.directory, core.projects), core.projects)
            if not is_too_old:
                assert await undo.find(S1, None) == turn
                assert (await undo.difference(turn)).why == ""
                continue
            with pytest.raises(NothingToUndo):
                await undo.find(S1, None)
            with pytest.raises(UndoTooOld, match="30 days"):
                await undo.take_back(await undo.find(S1, turn.message_id), "alice")
            shown = await undo.difference(turn)
            assert (shown.diff, "too old" in shown.why, len(shown.operations)) == ("", True, 1)


async def test_what_is_not_kept_any_more_is_too_old(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        turn = await changed(core, "write a.txt new")
        core.recorder._clock = lambda: now_ms() + KEPT_MS + 9
        with pytest.raises(UndoTooOld, match="too old: turns can be undone for 30 days"):
            await core.undo.take_back(turn, "alice")
        assert (core.site / "a.txt").exists()
