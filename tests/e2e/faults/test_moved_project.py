"""A project's folder that moves: renamed while the daemon is down, and moved away under a live session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.world import World, script, write_file

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]


async def test_a_renamed_project_keeps_its_conversation_by_text_and_its_undo(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.start()
        await world.ask(f"claude: {script(write_file(Path('first.txt'), 'hi'))}")
        await world.daemon.stop()
        old, new = world.project(), world.project("renamed")
        old.rename(new)
        config = world.daemon.config.read_text(encoding="utf-8")
        world.daemon.config.write_text(config.replace(f'"{old}"', f'"{new}"'), encoding="utf-8")
        await world.start()
        await world.ask(f"claude: {script(write_file(Path('second.txt'), 'hi'))}")
        assert {path.name for path in new.glob("*.txt")} == {"first.txt", "second.txt"}
        assert not old.exists()
        assert len(list((world.daemon.state / "sessions").iterdir())) == 1
        asked = await world.ask("UNDO")
        assert "second.txt" in asked
        await world.ask(f"UNDO {asked.split('UNDO ')[1].split()[0]}")
        assert "first.txt" in await world.ask("UNDO")


async def test_a_folder_that_is_moved_away_under_a_live_session_is_told_and_not_created_anew(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.start()
        await world.ask(f"claude: {script(write_file(Path('first.txt'), 'hi'))}")
        there, elsewhere = world.project(), tmp_path / "elsewhere"
        there.rename(elsewhere)
        told = await world.ask(f"claude: {script(write_file(there / 'second.txt', 'hi'))}")
        assert "the project folder is not there" in told
        assert not there.exists()
        elsewhere.rename(there)
        await world.ask(f"claude: {script(write_file(Path('third.txt'), 'hi'))}")
        assert {path.name for path in there.glob("*.txt")} == {"first.txt", "third.txt"}
        assert len(list((world.daemon.state / "sessions").iterdir())) == 1
