"""Checkpoints of a project, compared with a bare `git add -A && git write-tree` of the same files."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from benchmarks.figures import Figure, compare
from supervisor.undo.checkpoints.shadow import ShadowRepository

SIZES = (1_000, 20_000)
SHORT_SIZES = (50,)
CHANGES = 10
FOLDER_FILES = 50
REACH = {1_000: "100 ms"}


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Record a tree in which ten files changed, in turn with the bare commands."""
    rounds = 2 if short else 9
    figures = []
    for count in SHORT_SIZES if short else SIZES:
        figures.extend(await _measure(folder / str(count), count, rounds))
    return figures


async def _measure(folder: Path, count: int, rounds: int) -> list[Figure]:
    project, bare = folder.resolve() / "project", folder / "bare.git"
    paths = _fill(project, count)
    shadow = ShadowRepository(project, folder / "shadow.git")
    began = time.perf_counter()
    before = (await shadow.record("first")).commit
    first = (time.perf_counter() - began) * 1e3
    _git(project, bare, "init", "--quiet")
    bare_first = _bare(project, bare)
    times: list[float] = []
    undo: list[float] = []
    bare_times: list[float] = []
    for number in range(rounds):
        for path in paths[:: count // CHANGES][:CHANGES]:
            path.write_text(f"{path.read_text()}round {number}\n")
        began = time.perf_counter()
        after = (await shadow.record("next")).commit
        times.append((time.perf_counter() - began) * 1e3)
        bare_times.append(_bare(project, bare))
        began = time.perf_counter()
        await shadow.revert(before, after, dry_run=True)
        undo.append((time.perf_counter() - began) * 1e3)
        before = after
    plain = "git add -A && git write-tree"
    return [
        compare(f"recording {count:,} files, {CHANGES} changed", "ms", times, plain, bare_times, REACH.get(count, "")),
        compare(f"recording {count:,} files the first time", "ms", [first], plain, [bare_first]),
        compare(f"trying an undo among {count:,} files", "ms", undo, plain, bare_times),
    ]


def _fill(project: Path, count: int) -> list[Path]:
    paths = [project / f"{number // FOLDER_FILES:04}" / f"{number:06}.txt" for number in range(count)]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"line {line} of {path.name}\n" for line in range(100)))
    return paths


def _bare(project: Path, git_dir: Path) -> float:
    """Return the duration of the bare commands, in milliseconds."""
    began = time.perf_counter()
    _git(project, git_dir, "add", "-A")
    _git(project, git_dir, "write-tree")
    return (time.perf_counter() - began) * 1e3


def _git(project: Path, git_dir: Path, *arguments: str) -> None:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_DIR": str(git_dir),
        "GIT_WORK_TREE": str(project),
    }
    subprocess.run(["git", *arguments], cwd=project, env=environment, check=True, capture_output=True)
