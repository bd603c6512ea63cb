"""Recording: only turns that are about to change something, never in the way of one, and also after a crash."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from supervisor.protocol.conversation import ToolCall
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.status import Permissions, TurnState
from supervisor.sessions.binding import TurnBinding
from supervisor.store.records.turn import Turn
from supervisor.undo.checkpoints.shadow import LOST
from supervisor.undo.errors import NotRecorded
from supervisor.undo.recorder import BEGUN_ANEW, OF_ANOTHER, Recorder
from tests.fakes import ScriptedConnector
from tests.slowness import scaled
from tests.supervisor.harness import Core
from tests.supervisor.helpers import PLENTY, ask, connect, project, result, scripted, send, state
from tests.supervisor.undo.checkpoints.places import git, snapshot
from tests.waiting import until


def core_with(folder: Path, **settings: object) -> Core:
    return Core(folder, connector=ScriptedConnector(), projects=project(folder, "free", permissions=Permissions.FULL))


def files_changed(core: Core) -> list[int | None]:
    """Return how many files each turn has changed, as an outside tool reads it."""
    with closing(sqlite3.connect(core.file)) as database:
        return [number for (number,) in database.execute("SELECT files_changed FROM turns ORDER BY id")]


async def test_a_turn_that_changes_nothing_is_not_recorded(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        answered = await ask(core, "hello")
        assert await core.store.changes.of_message(answered.turn.message_id) is None
        assert files_changed(core) == [None]
        assert not (tmp_path / "checkpoints").exists()


async def test_every_path_that_a_turn_changed_is_kept_with_its_tool_and_hashes(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core, path=tmp_path / "free")
        (tmp_path / "free" / "old.txt").write_text("old\n", encoding="utf-8")
        await ask(core, "write old.txt new")
        await ask(core, "shell made.txt by a command")
        made, old = await core.store.changes.operations(net=True, limit=9)
        _, written = await core.store.changes.operations(limit=9)
        assert (written.path, written.tool, written.status) == ("old.txt", "Write", "modified")
        assert written.tool_use_id.startswith("use ")
        assert (old.path, old.tool, old.status, old.user_id) == ("old.txt", "Write", "modified", "alice")
        assert (made.path, made.tool, made.status, made.before_hash) == ("made.txt", "Bash", "added", None)
        # The hash of a git blob: SHA-1 over "blob <size>\0" and the content.
        assert (old.before_hash, old.after_hash) == (
            "3367afdbbf91e638efe983616377c60477cc6612",
            "3e757656cf36eca53338e520d134963a44f793f8",
        )
        assert files_changed(core) == [1, 1]
        assert [o.path for o in await core.store.changes.operations(path="made.txt", limit=9)] == ["made.txt"]
        assert await core.store.changes.operations(path="never.txt", limit=9) == []


async def test_what_is_below_the_state_folder_is_never_recorded(tmp_path: Path) -> None:
    # The core's state lies in tmp_path, its projects below: a project that holds the state would record secrets.
    async with core_with(tmp_path) as core:
        shadow = Recorder(core.store.changes, core.store.turns, tmp_path / "free" / "state").shadow(
            str(tmp_path / "free")
        )
        (tmp_path / "free" / "state").mkdir()
        (tmp_path / "free" / "state" / "operator.token").write_text("secret", encoding="utf-8")
        first = await shadow.record("first")
        (tmp_path / "free" / "state" / "operator.token").write_text("another", encoding="utf-8")
        second = await shadow.record("second")
        assert await shadow.changed(first.commit, second.commit) == []


async def test_a_folder_that_cannot_be_recorded_holds_no_turn_up(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        (tmp_path / "checkpoints").write_text("in the way", encoding="utf-8")
        await connect(core)
        answered = await ask(core, "write a.txt new")
        assert answered.answer.startswith("written\n\n(What this turn changed cannot be undone: ")
        found = await core.store.changes.of_message(answered.turn.message_id)
        assert found is not None
        assert (found.before_commit, found.after_commit) == ("", "")
        assert found.why
        assert found.why in answered.answer
        assert (await core.undo.find(SessionId("s1"), None)).why == found.why  # what `changes` shows
        assert files_changed(core) == [None]


async def test_damaged_states_are_told_in_the_answer_in_changes_and_in_undo(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        first = (await ask(core, "write a.txt new")).turn
        second = (await ask(core, "write b.txt new")).turn
        _damage(core)
        answered = await ask(core, "write c.txt new")
        assert answered.answer == f"written\n\n({BEGUN_ANEW})"
        for turn in (first, second):
            found = await core.undo.find(SessionId("s1"), turn.message_id)
            assert (await core.undo.difference(found)).why == LOST
            with pytest.raises(NotRecorded, match="the repository of recorded states was damaged"):
                await core.undo.take_back(found, "alice")
        last = await core.undo.find(SessionId("s1"), None)
        assert (await core.undo.take_back(last, "alice")).paths == ("c.txt",)


async def test_a_rule_that_is_not_applied_is_told_once_and_the_turn_can_be_undone(tmp_path: Path) -> None:
    settings = replace(PLENTY, checkpoint_seconds=scaled(6.0))
    async with Core(tmp_path, connector=ScriptedConnector(), claude_code=settings) as core:
        (core.site / ".gitignore").write_text("*a" * 24 + "\n", encoding="utf-8")
        (core.site / ("a" * 60 + "b")).touch()
        await connect(core)
        answered = await ask(core, "write c.txt new")
        assert answered.answer.startswith("written\n\n(This rule takes too long to match and is not applied")
        assert answered.answer.count("not applied") == 1
        last = await core.undo.find(SessionId("s1"), None)
        assert (await core.undo.take_back(last, "alice")).paths == ("c.txt",)


async def test_damage_that_changes_or_undo_finds_is_told_there(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        await ask(core, "write a.txt new")
        _damage(core)
        found = await core.undo.find(SessionId("s1"), None)
        assert (await core.undo.difference(found)).why == LOST
        assert (await core.undo.find(SessionId("s1"), None)).why == LOST
        await ask(core, "write b.txt new")
        _damage(core)
        with pytest.raises(NotRecorded, match="the repository of recorded states was damaged"):
            await core.undo.take_back(await core.undo.find(SessionId("s1"), None), "alice")


async def test_states_of_a_turn_that_another_node_began_are_not_here_and_those_before_are_not_lost(
    tmp_path: Path,
) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        earlier = (await ask(core, "write a.txt new")).turn
        taken = await send(core, "write b.txt hold")
        await until(scripted(core).held, "it has written")
        turn = (await result(core, taken.accepted.message_id)).turn
        other = Recorder(core.store.changes, core.store.turns, tmp_path / "of another node", has_others=True)
        await other.adopt(turn)
        recorded = await other.after(turn)
        assert recorded is not None
        assert recorded[0].why == OF_ANOTHER
        scripted(core).release()
        assert (await core.undo.find(SessionId("s1"), earlier.message_id)).why == ""


def _damage(core: Core) -> None:
    """Empty the objects of the recorded states of "site", as a power cut may leave them."""
    for path in core.recorder.shadow(str(core.site))._git.git_dir.glob("objects/??/*"):
        path.chmod(0o600)
        path.write_bytes(b"")


async def test_a_folder_that_takes_too_long_is_given_up_with_the_reason(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        recorder = Recorder(core.store.changes, core.store.turns, tmp_path, seconds=0.0)
        assert await recorder._record(str(core.site), "before", 1) == (
            "",
            "recording the folder takes longer than 0 seconds",
        )


async def test_a_folder_that_vanishes_in_a_turn_is_no_failure_of_it(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core, path=tmp_path / "free")
        taken = await send(core, "write a.txt hold")
        await until(scripted(core).held, "it has written")
        shutil.rmtree(tmp_path / "free")
        scripted(core).release()
        await until(lambda: _is_over(core, taken), "it ends")
        found = await core.store.changes.of_message(taken.accepted.message_id)
        assert found is not None
        assert "gone" in found.why


async def _is_over(core: Core, taken: object) -> bool:
    return (await state(core, taken)).final  # type: ignore[arg-type]


async def test_a_turn_that_a_crash_cut_off_is_recorded_as_it_left_the_folder(tmp_path: Path) -> None:
    async with core_with(tmp_path) as before:
        await connect(before)
        taken = await send(before, "write a.txt hold")
        await until(scripted(before).held, "it has written")
        async with core_with(tmp_path) as after:
            message_id = taken.accepted.message_id
            assert (await result(after, message_id)).turn.state is TurnState.INTERRUPTED
            found = await after.store.changes.of_message(message_id)
            assert found is not None
            assert found.files == 1
            assert not after.recorder.changing(str(after.site))


async def test_old_states_are_forgotten_and_others_kept(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        await ask(core, "write a.txt one")
        await core.recorder.shadow(str(core.site)).record("nobody's")
        assert await core.recorder.prune() == 1
        assert await core.recorder.prune() == 0


@pytest.mark.parametrize("used", ["site", "site/below", "."])
async def test_a_folder_that_is_in_use_holds_no_turn_up(tmp_path: Path, used: str) -> None:
    async with core_with(tmp_path) as core:
        core.recorder._seconds = 0.05
        await connect(core)
        async with core.recorder.locked(str(tmp_path / used)):
            answered = await ask(core, "write a.txt new")
        assert answered.answer.startswith("written\n\n(What this turn changed cannot be undone: the folder was in use")
        found = await core.store.changes.of_message(answered.turn.message_id)
        assert found is not None
        assert (found.before_commit, found.after_commit) == ("", "")
        assert "in use" in found.why


async def test_a_folder_beside_the_one_in_use_is_recorded_at_once(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        core.recorder._seconds = scaled(20.0)
        await connect(core)
        async with asyncio.timeout(scaled(20)), core.recorder.locked(f"{core.site}-2"):
            answered = await ask(core, "write a.txt new")
        found = await core.store.changes.of_message(answered.turn.message_id)
        assert found is not None
        assert found.before_commit


async def test_a_turn_has_begun_to_change_the_folders_in_its_own_and_around_it(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        await send(core, "write a.txt hold")
        await until(scripted(core).held, "it has written")
        assert core.recorder.changing(str(core.site))
        assert core.recorder.changing(str(core.site / "below"))
        assert core.recorder.changing(str(tmp_path))
        assert not core.recorder.changing(f"{core.site}-2")
        assert not core.recorder.changing(str(core.vault))
        scripted(core).release()


class Watched(Recorder):
    """Notes when it looks at a folder, and how often."""

    looked_at = 0
    looks = 0

    async def _record(self, folder: str, when: str, turn_id: int) -> tuple[str, str]:
        self.looked_at = self._clock()
        self.looks += 1
        return await super()._record(folder, when, turn_id)


MAKE = ToolCall(tool_use_id="use 1", name="Bash", input={"command": "make"})


async def running(core: Core) -> Turn:
    """Return a turn in "site" that runs, and has changed nothing yet."""
    turn = (await result(core, (await send(core, "hold")).accepted.message_id)).turn
    await until(scripted(core).held, "it runs")
    return turn


def refused_once(write: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return a write of the store that is refused the first time."""
    refused: list[bool] = []

    async def writing(*values: object, **more: object) -> object:
        if not refused:
            refused.append(True)
            raise StorageError("PostgreSQL does not answer")
        return await write(*values, **more)

    return writing


async def test_a_folder_is_recorded_once_however_often_the_database_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        turn, site = await running(core), str(core.site)
        recorder = Watched(core.store.changes, core.store.turns, tmp_path)
        began = core.store.changes.began
        seen: list[bool] = []

        async def looked_at(*values: Any, **more: Any) -> bool:
            async with recorder.locked(site):  # what waits for the database locks no folder
                seen.append(recorder.changing(site))
            return await began(*values, **more)

        monkeypatch.setattr(core.store.changes, "began", refused_once(refused_once(looked_at)))
        monkeypatch.setattr(core.store.turns, "record_event", refused_once(core.store.turns.record_event))
        binding = TurnBinding(
            sink=lambda event: None,
            ask_person=_nobody,
            witness=partial(recorder.witness, turn.id, site),
            note=partial(recorder.note, turn.id),
            outdate=refused_once(_nothing),
            user_id=UserId("alice"),
        )
        await binding.record(MAKE, unasked=True)
        assert recorder.looks == 1
        assert seen == [True], "no undo begins before it is stored"
        assert [payload["summary"] for *_, payload in await core.store.turns.events(turn.id)] == ["Bash make"]
        scripted(core).release()


async def _nobody(*_: object) -> Any:
    raise AssertionError("nobody is asked")


async def _nothing() -> None:
    """Have nothing to outdate."""


async def test_the_loss_of_the_states_is_noted_also_where_the_database_refuses_it_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        earlier = (await ask(core, "write a.txt new")).turn
        turn, site = await running(core), str(core.site)
        _damage(core)
        monkeypatch.setattr(core.store.changes, "lose", refused_once(core.store.changes.lose))
        with monkeypatch.context() as patch:
            patch.setattr("supervisor.cluster.outages.PATIENCE_SECONDS", 0.0)
            with pytest.raises(StorageError):
                await core.recorder.witness(turn.id, site, MAKE)
        await core.recorder.witness(turn.id, site, MAKE)
        found = [await core.store.changes.of_turn(one.id) for one in (earlier, turn)]
        assert [one.why for one in found if one is not None] == [LOST, ""]
        scripted(core).release()


async def test_a_turn_overlaps_from_the_first_look_at_its_folder_to_the_last(tmp_path: Path) -> None:
    # What another turn changes while the folder is recorded could not be told apart from its own changes.
    async with core_with(tmp_path) as core:
        await connect(core)
        turn = await running(core)
        recorder = Watched(core.store.changes, core.store.turns, tmp_path, clock=partial(next, count(1_000)))
        await recorder.witness(turn.id, str(core.site), MAKE)
        found = await core.store.changes.of_turn(turn.id)
        assert found is not None
        assert found.before_ms < recorder.looked_at
        left = await recorder.after(turn)
        assert left is not None
        assert left[0].seen_ms > recorder.looked_at
        scripted(core).release()


async def test_nothing_is_pruned_under_a_turn_that_changes_the_folder(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        await send(core, "write a.txt hold")
        await until(scripted(core).held, "it has written")
        await core.recorder.shadow(str(core.site)).record("nobody's")
        assert await core.recorder.prune() == 0
        scripted(core).release()
        await until(lambda: not core.recorder.changing(str(core.site)), "it has ended")
        assert await core.recorder.prune() == 1


async def test_nothing_is_pruned_under_a_turn_that_begins_while_the_pruning_waits(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core)
        await ask(core, "write a.txt one")
        await core.recorder.shadow(str(core.site)).record("nobody's")
        core.recorder._seconds = 0.05
        async with core.recorder.locked(str(core.site)):
            pruning = asyncio.create_task(core.recorder.prune())
            await send(core, "write b.txt hold")
            await until(scripted(core).held, "it has written, without a state of the folder")
        assert await pruning == 0
        scripted(core).release()
        await until(lambda: not core.recorder.changing(str(core.site)), "it has ended")
        assert await core.recorder.prune() == 1


async def test_the_states_of_a_turn_that_runs_while_another_folder_is_pruned_are_kept(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await connect(core, "s1")
        await connect(core, "s2", path=tmp_path / "free")
        for session_id in ("s1", "s2"):
            await ask(core, "write a.txt one", session_id)
        async with core.recorder.locked(str(core.site)):
            pruning = asyncio.create_task(core.recorder.prune())
            answered = await ask(core, "write b.txt two", "s2")
        assert await pruning == 0
        found = await core.store.changes.of_message(answered.turn.message_id)
        assert found is not None
        changed = await core.recorder.shadow(str(tmp_path / "free")).changed(found.before_commit, found.after_commit)
        assert [change.path for change in changed] == ["b.txt"]


async def test_the_projects_own_repository_stays_as_it_is_byte_for_byte(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        git(core.site, "init", "--quiet")
        (core.site / "a.txt").write_text("old\n", encoding="utf-8")
        git(core.site, "add", "-A")
        git(core.site, "commit", "--quiet", "-m", "first")
        before = snapshot(core.site / ".git")
        await connect(core)
        answered = await ask(core, "write a.txt new")
        turn = await core.undo.find(SessionId("s1"), answered.turn.message_id)
        assert (await core.undo.take_back(turn, "alice")).paths == ("a.txt",)
        assert (core.site / "a.txt").read_text(encoding="utf-8") == "old\n"
        assert snapshot(core.site / ".git") == before


async def test_a_folder_that_is_no_repository_is_recorded_and_becomes_none(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        assert not (core.site / ".git").exists()
        await connect(core)
        answered = await ask(core, "write a.txt new")
        turn = await core.undo.find(SessionId("s1"), answered.turn.message_id)
        assert (await core.undo.take_back(turn, "alice")).paths == ("a.txt",)
        assert list(core.site.iterdir()) == []


async def test_100_000_files_are_recorded_or_refused_and_the_turn_goes_on(tmp_path: Path) -> None:
    settings = replace(PLENTY, checkpoint_seconds=2.0)
    async with Core(tmp_path, connector=ScriptedConnector(), claude_code=settings) as core:
        for folder in range(100):
            (core.site / str(folder)).mkdir()
            for number in range(1_000):
                os.close(os.open(core.site / str(folder) / str(number), os.O_CREAT | os.O_WRONLY))
        await connect(core)
        answered = await ask(core, "write a.txt new")
        assert answered.answer.startswith("written")
        found = await core.store.changes.of_message(answered.turn.message_id)
        assert found is not None
        assert (found.files == 1) if found.after_commit else found.why


async def test_files_that_no_checkpoint_has_are_counted_where_a_tool_named_them(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        free = tmp_path / "free"
        (free / ".gitignore").write_text("secret.txt\n", encoding="utf-8")
        await connect(core, path=free)
        await ask(core, "write secret.txt new")
        assert (free / "secret.txt").read_text(encoding="utf-8") == "new\n"
        await ask(core, "write secret.txt new")
        assert files_changed(core) == [1, 0], "it was the same before"
