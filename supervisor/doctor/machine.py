"""The machine: Python, our own packages, SQLite, git, and the programs that shut a shell in."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

from supervisor.protocol.ports.checks import Check, Standing
from supervisor.store.sqlite.migrate import LEAST_SQLITE, sqlite_version

OURS = ("supervisor", "channels", "connectors", "cli", "migrations")
"""Our import names; two of them are also names of other projects on PyPI."""

LEAST_GIT = (2, 38)
"""Oldest git for undo, which merges without a work tree."""

WAL_RESET_FIXED = ((3, 44, 6), (3, 50, 7), (3, 51, 3))
"""First SQLite of each release line without the WAL-reset bug (sqlite.org/wal.html#the_wal_reset_bug)."""


def examine() -> list[Check]:
    """Check Python, our packages, SQLite, git and the sandbox programs."""
    return [_python(), _names(), _sqlite(), _git(), _sandbox_programs()]


def _python() -> Check:
    version = platform.python_version()
    system = f"Python {version} on {platform.system()} {platform.release()}"
    if sys.platform.startswith("linux"):
        return Check(name="python", status=Standing.OK, detail=system)
    remedy = "run it on Linux, where agents end with the daemon"
    detail = f"{system}: agents are not fenced on this system"
    return Check(name="python", status=Standing.WARNING, detail=detail, remedy=remedy)


def _names() -> Check:
    owners = packages_distributions()
    here = Path(__file__).resolve().parents[2]
    foreign = []
    for name in OURS:
        origin = getattr(sys.modules.get(name), "__file__", None)
        if set(owners.get(name, ["xswarm"])) - {"xswarm"} or (origin and here not in Path(origin).resolve().parents):
            foreign.append(f"{name} ({', '.join(owners.get(name, ['?']))})")
    if not foreign:
        return Check(
            name="packages", status=Standing.OK, detail=f"no other project has replaced our packages: {', '.join(OURS)}"
        )
    remedy = "install xswarm into an environment of its own (uv tool, pipx, venv)"
    detail = f"other projects have replaced our packages: {', '.join(foreign)}"
    return Check(name="packages", status=Standing.FAILED, detail=detail, remedy=remedy)


def _sqlite() -> Check:
    version = sqlite_version()
    text = ".".join(map(str, version))
    if version < LEAST_SQLITE:
        remedy = "use a Python with SQLite 3.37 or newer"
        return Check(name="sqlite", status=Standing.FAILED, detail=f"SQLite {text} is too old", remedy=remedy)
    detail = f"SQLite {text}"
    if not any(version[:2] == fixed[:2] and version >= fixed for fixed in WAL_RESET_FIXED) and version < (3, 51, 3):
        detail += " has the WAL-reset bug, which cannot occur here: one connection does all writes and checkpoints"
    return Check(name="sqlite", status=Standing.OK, detail=detail)


def _git() -> Check:
    remedy = "install git 2.38 or newer: without it the file changes of a turn cannot be undone"
    path = shutil.which("git")
    if path is None:
        return Check(name="git", status=Standing.WARNING, detail="git is not on PATH", remedy=remedy)
    said = _output([path, "--version"])
    match = re.search(r"(\d+)\.(\d+)", said)
    if match is None or (int(match[1]), int(match[2])) < LEAST_GIT:
        return Check(name="git", status=Standing.WARNING, detail=said or f"{path} does not run", remedy=remedy)
    return Check(name="git", status=Standing.OK, detail=f"{said.strip()}: turns can be undone")


def _sandbox_programs() -> Check:
    missing = [name for name in ("bwrap", "socat") if shutil.which(name) is None]
    if not missing:
        return Check(name="sandbox programs", status=Standing.OK, detail="bubblewrap and socat are installed")
    remedy = "install bubblewrap and socat; on Debian: apt-get install bubblewrap socat"
    detail = f"{' and '.join(missing)} not found"
    return Check(name="sandbox programs", status=Standing.WARNING, detail=detail, remedy=remedy)


def _output(command: Sequence[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
