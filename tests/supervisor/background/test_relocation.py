"""A project whose folder has moved keeps its conversations, and its turns can still be undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config import ProjectConfig
from supervisor.protocol.errors import XswarmError
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.status import Permissions, TurnState
from supervisor.protocol.times import now_ms
from supervisor.store.ports.people.uploads import Upload
from supervisor.undo.undo import UndoDirection
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import PLENTY, ask, connect, result, session, text_message
from tests.waiting import until


def core_with(folder: Path, **paths: str) -> Core:
    """Return a core with alice's projects at some paths below a folder."""
    projects = {
        name: ProjectConfig(path=str(folder / path), users=("alice",), permissions=Permissions.EDIT)
        for name, path in paths.items()
    }
    return Core(folder, connector=ScriptedConnector(), claude_code=PLENTY, projects=projects)


async def answered(core: Core, text: str) -> str:
    """Let alice text the core; return the session that answered."""
    receipt = await core.intake.accept(text_message(text))
    await until(core.all_answered, f"{text!r} is answered")
    found = await result(core, receipt.message_id)
    assert found.turn.state is TurnState.COMPLETED, found.why
    return str(found.turn.session_id)


async def test_a_conversation_by_text_follows_the_renamed_folder(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    async with core_with(tmp_path, web="old") as core:
        began = await answered(core, "@web hello")
    (tmp_path / "old").rename(tmp_path / "new")
    async with core_with(tmp_path, web="new") as core:
        assert await answered(core, "@web are you there?") == began
        assert (await session(core, began)).project_path == str(tmp_path / "new")
    async with core_with(tmp_path, web="new") as core:  # nothing moves twice
        assert await answered(core, "@web and now?") == began


async def test_only_the_attached_files_that_lie_here_are_followed(tmp_path: Path) -> None:
    """Nodes on one database have a folder of their own each; a start of one changes nothing of the others."""
    async with core_with(tmp_path) as core:
        folder = core.folder / "uploads"
        for name in ("here", "there"):
            assert await core.store.uploads.add(
                Upload(
                    id=name,
                    user_id=UserId("alice"),
                    name="a.txt",
                    media_type="text/plain",
                    size=1,
                    sha256="",
                    path=f"/elsewhere/{name}/a.txt",
                    created_ms=now_ms(),
                    sent=False,
                )
            )
        (folder / "here").mkdir(parents=True)
        (folder / "here" / "a.txt").write_text("x")
    async with core_with(tmp_path) as core:
        paths = [found.path for name in ("here", "there") if (found := await core.store.uploads.get(name)) is not None]
        assert paths == [str(folder / "here" / "a.txt"), "/elsewhere/there/a.txt"]


async def test_a_session_below_the_folder_keeps_its_place_and_is_connected_by_its_new_path(tmp_path: Path) -> None:
    (tmp_path / "site_50%" / "site_50%").mkdir(parents=True)  # a name that holds wildcards, and occurs twice
    async with core_with(tmp_path, web="site_50%") as core:
        await connect(core, "below", path=tmp_path / "site_50%" / "site_50%")
        await ask(core, "hello", "below")
    (tmp_path / "site_50%").rename(tmp_path / "new")
    async with core_with(tmp_path, web="new") as core:
        assert (await ask(core, "again", "below")).turn.session_id == "below"
        assert (await session(core, "below")).project_path == str(tmp_path / "new" / "site_50%")
        assert await connect(core, "below", path=tmp_path / "new" / "site_50%") is False


async def test_the_turns_of_two_projects_that_change_places_can_be_undone(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with core_with(tmp_path, a="one", b="two") as core:
        for name, path in (("a", "one"), ("b", "two")):
            await connect(core, name, path=tmp_path / path)
            await ask(core, f"write of-{name}.txt new", name)
    (tmp_path / "one").rename(tmp_path / "kept")
    (tmp_path / "two").rename(tmp_path / "one")
    (tmp_path / "kept").rename(tmp_path / "two")
    async with core_with(tmp_path, a="two", b="one") as core:
        for name in ("a", "b"):
            turn = await core.undo.find(SessionId(name), None)
            done = await core.undo.take_back(turn, "alice", user_id=UserId("alice"))
            assert (done.direction, done.paths) == (UndoDirection.BACK, (f"of-{name}.txt",))
        assert not list(tmp_path.glob("*/of-*.txt"))


async def test_a_renamed_folder_takes_its_recorded_states_along(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    async with core_with(tmp_path, web="old") as core:
        await connect(core, path=tmp_path / "old")
        await ask(core, "write a.txt new")
    (tmp_path / "old").rename(tmp_path / "new")
    async with core_with(tmp_path, web="new") as core:
        turn = await core.undo.find(SessionId("s1"), None)
        assert (await core.undo.take_back(turn, "alice")).paths == ("a.txt",)
        assert not (tmp_path / "new" / "a.txt").exists()
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1


async def test_scratch_folders_follow_the_state_folder(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    async with Core(before, connector=ScriptedConnector(), claude_code=PLENTY) as core:
        (before / "scratch" / "alice").mkdir(parents=True)
        await connect(core, "s1", path=before / "scratch" / "alice")
        await ask(core, "hello")
    before.rename(after)
    async with Core(after, connector=ScriptedConnector(), claude_code=PLENTY) as core:
        assert (await ask(core, "again")).turn.session_id == "s1"
        assert (await session(core)).project_path == str(after / "scratch" / "alice")


async def test_whoever_continues_a_conversation_whose_project_is_gone_is_told(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    async with core_with(tmp_path, web="old") as core:
        await answered(core, "@web hello")
    async with Core(tmp_path, connector=ScriptedConnector(), claude_code=PLENTY) as core:
        receipt = await core.intake.accept(text_message("and the tests?"))
        found = await result(core, receipt.message_id)
        assert found.turn.reason.startswith("this conversation is in project web, which you can no longer use")
        assert await answered(core, "claude: hello")  # another one begins, where its sender says so


async def test_a_folder_that_is_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    async with core_with(tmp_path, web="old") as core:
        await connect(core, path=tmp_path / "old")
        await ask(core, "write a.txt new")
    async with core_with(tmp_path, web="new", other="old") as core:
        turn = await core.undo.find(SessionId("s1"), None)
        with pytest.raises(XswarmError, match=r"/new is gone$"):
            await core.undo.take_back(turn, "alice")
        assert (tmp_path / "old" / "a.txt").exists()  # it is the folder of another project now
