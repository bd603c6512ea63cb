"""A read-only project folder: turns are answered, an undo says why it fails, and the daemon keeps running."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.world import World, script, write_file
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]

ROOT = os.geteuid() == 0
"""Root writes whatever the mode says: for it the folder is mounted, where the daemon alone sees that."""


def mounted(folder: Path) -> Sequence[str]:
    """Return a command that runs another where a folder is a mount of its own; empty where its mode is enough."""
    if not ROOT:
        return ()
    if (
        not all(map(shutil.which, ("unshare", "nsenter", "mount")))
        or subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("nothing is read-only for root, and nothing can be mounted here")
    return ("unshare", "--mount", "sh", "-c", f'mount --bind "{folder}" "{folder}" && exec "$@"', "sh")


def allow_writing(world: World, folder: Path, *, allowed: bool) -> None:
    """Let a folder be read-only, or no more."""
    if ROOT:
        options = f"remount,bind,{'rw' if allowed else 'ro'}"
        enter = ["nsenter", "--mount", "--target", str(world.daemon.pid)]
        subprocess.run([*enter, "mount", "-o", options, str(folder)], check=True)
    else:
        folder.chmod(0o755 if allowed else 0o555)


async def test_a_project_that_becomes_read_only_is_worked_in_and_not_undone_until_it_can_be(tmp_path: Path) -> None:
    folder = tmp_path / "projects" / "site"
    async with World(tmp_path, projects=("site", "shop"), prefix=mounted(folder)) as world:
        await world.start()
        note, other = folder / "note.txt", folder / "other.txt"
        await world.text("@site note: " + script(write_file(note, "noted"), {"text": "It is noted."}))
        await world.answer("It is noted.")
        assert note.read_text(encoding="utf-8") == "noted"
        (session,) = (await world.operator("GET", "/api/claude-code/sessions")).json()["sessions"]
        ended = await world.operator("DELETE", f"/api/claude-code/sessions/{session['session_id']}")
        assert ended.status_code in (200, 204), ended.text  # a process has its own view of what is mounted
        allow_writing(world, folder, allowed=False)
        try:
            read = {"tools": [{"name": "Read", "input": {"file_path": str(note)}}]}
            await world.text("@site other: " + script(read, write_file(other, "x"), {"text": "I have tried."}))
            answered = await world.answer("I have tried.")
            assert "file changed" not in answered
            assert not other.exists()
            assert world.tools_started() == 3
            asked = await world.ask("UNDO")
            assert "changed 1 file in site: note.txt. Reply UNDO " in asked
            (code,) = re.findall(r"UNDO ([A-Z]{5})", asked)
            refused = await world.ask(f"UNDO {code}")
            assert refused.startswith("Not undone: ")
            assert "may not be written" in refused
            assert note.read_text(encoding="utf-8") == "noted"
            assert (await world.ready())[0] == 200
            await world.text(
                "@shop shop: " + script(write_file(world.project("shop") / "a.txt", "x"), {"text": "Sold."})
            )
            assert "(1 file changed, " in await world.answer("Sold.")
            assert not any("Traceback" in line for line in world.daemon.log)
        finally:
            allow_writing(world, folder, allowed=True)
        assert "Taken back: note.txt." in await world.ask(f"UNDO {code}"), "the code counts still"
        assert not note.exists()
        await until(lambda: not world.turns("running"), "nothing is left")
