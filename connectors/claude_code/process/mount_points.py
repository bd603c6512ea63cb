"""What a sandbox that was killed in a command leaves in a project: empty files that it had mounted over.

Claude Code's sandbox keeps commands from making a `.bashrc`, a `.gitconfig`, `.claude/settings.json` and the like by
mounting something over each. Where there is nothing, bubblewrap makes an empty file of mode 0444 to mount on, and
Claude Code removes it after the command: unless both were killed in it. They would be taken for changes, and keep an
editor from making its `.vscode`.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

MODE = 0o444
"""Of a file that bubblewrap makes to mount on."""
SETTINGS = ".claude"
EMPTIED = (f"{SETTINGS}/.cc-writes", SETTINGS)
"""Folders that go with them, where nothing else is in them."""
CLOCK_STEP = 1.0
"""Seconds by which the time of a file may lie before that of the process that made it."""


def left_in(project: str, *, since: float) -> list[Path]:
    """Return the mount points that lie in a project; which of them are in use is not for us to see.

    Args:
        since: in seconds since 1970 UTC: older files are somebody's own.
    """
    return [path for folder in ("", SETTINGS) for path in _empty(Path(project, folder), folder, since - CLOCK_STEP)]


def remove(paths: list[Path]) -> None:
    """Remove mount points, and the folder of settings where they were all that was in it."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()
    for project in {path.parents[1] for path in paths if path.parent.name == SETTINGS}:
        for folder in EMPTIED:
            with contextlib.suppress(OSError):
                (project / folder).rmdir()


def _empty(folder: Path, name: str, since: float) -> Iterator[Path]:
    try:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if (name or entry.name.startswith(".")) and _is_mount_point(entry.stat(follow_symlinks=False), since):
            yield folder / entry.name


def _is_mount_point(found: os.stat_result, since: float) -> bool:
    return (
        found.st_mode == stat.S_IFREG | MODE
        and found.st_size == 0
        and found.st_nlink == 1
        and found.st_uid == os.geteuid()
        and found.st_ctime >= since
    )
