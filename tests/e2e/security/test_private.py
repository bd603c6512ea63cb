"""What the daemon keeps is for its user alone; a file that an agent makes has the mode that its user would give it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.process import DaemonProcess
from tests.e2e.world import World, script, write_file

pytestmark = pytest.mark.e2e

WITH_UMASK = ("sh", "-c", 'umask 022 && exec "$@"', "sh")


def reachable(folder: Path) -> Iterator[Path]:
    """Yield what others could reach if the folder were open to them: nothing below a private folder."""
    for path in folder.iterdir():
        yield path
        if path.is_dir() and not path.is_symlink() and path.stat().st_mode & 0o077:
            yield from reachable(path)


@pytest.mark.cli_process
async def test_state_is_private_and_files_of_a_project_are_not(tmp_path: Path) -> None:
    async with World(tmp_path, prefix=WITH_UMASK) as world:
        await world.start()
        note = world.project() / "notes" / "note.txt"
        await world.text("@site " + script(write_file(note, "noted"), {"text": "It is noted."}))
        await world.answer("It is noted.")
        assert note.stat().st_mode & 0o777 == 0o644
        assert note.parent.stat().st_mode & 0o777 == 0o755
        state = world.daemon.state
        assert state.stat().st_mode & 0o777 == 0o700
        assert [path for path in reachable(state) if path.stat().st_mode & 0o077 and not path.is_socket()] == []
        await world.ask("UNDO")


async def test_a_state_folder_that_others_can_write_is_refused(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path, config='[claude_code]\nconnector = "echo"\n', arguments=("--offline",))
    daemon.state.mkdir()
    daemon.state.chmod(0o777)
    ended = await daemon.fails_to_start()
    assert (ended.code, os.listdir(daemon.state)) == (1, [])
    assert f"state.dir: {daemon.state} can be written by other users\nchmod 700 {daemon.state}" in ended.err
