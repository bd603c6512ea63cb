"""Removes the empty files that a killed sandbox leaves in a project: the mount points of bubblewrap.

Claude Code's sandbox prevents commands from making a `.bashrc`, a `.gitconfig`, `.claude/settings.json` and others by a
mount over each. Where no such file exists, bubblewrap makes an empty one of mode 0444 as a mount point, and Claude Code
removes it after the command. If both are killed during the command, the files stay: they would look like changes of the
turn, and an editor could not make its `.vscode`.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

MODE = 0o444
"""File mode of a mount point that bubblewrap makes."""
SETTINGS = ".claude"
EMPTIED = (f"{SETTINGS}/.cc-writes", SETTINGS)
"""Folders that are removed too, where they are empty then."""
CLOCK_STEP = 1.0
"""Seconds by which the time of a file may be earlier than the start of the process that made it."""


def left_in(project: str, *, since: float) -> list[Path]:
    """Return the mount points in a project; some may be in use by a running sandbox.

    Args:
        since: in seconds since 1970 UTC; older files are not mount points of this session.
    """
    return [path for folder in ("", SETTINGS) for path in _empty(Path(project, folder), folder, since - CLOCK_STEP)]


def remove(paths: list[Path]) -> None:
    """Remove mount points, and the folder `.claude` where it is empty then."""
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
