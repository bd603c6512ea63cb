"""A project folder with the shadow repository of it, and what a folder holds."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from supervisor.undo.checkpoints.shadow import ShadowRepository


@dataclass(frozen=True, slots=True)
class Place:
    """A project and where its shadow lies."""

    project: Path
    git_dir: Path

    def shadow(self) -> ShadowRepository:
        return ShadowRepository(self.project, self.git_dir, max_file_bytes=100_000)

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def read(self, path: str) -> str:
        return (self.project / path).read_bytes().decode()

    def recorded(self, commit: str) -> list[str]:
        """Return the paths of a commit, asked of git itself."""
        listed = git(self.git_dir, "ls-tree", "-r", "-z", "--name-only", commit)
        return [os.fsdecode(path) for path in listed.split(b"\0") if path]

    def blob(self, commit: str, path: str) -> bytes:
        return git(self.git_dir, "cat-file", "blob", f"{commit}:{path}")


def place(folder: Path) -> Place:
    """Return an empty project below a folder."""
    project = folder / "project"
    project.mkdir()
    return Place(project, folder / "shadow.git")


def git(folder: Path, *arguments: str) -> bytes:
    """Run git in a folder, without any settings of the machine."""
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@localhost",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@localhost",
    }
    done = subprocess.run(["git", "-C", folder, *arguments], env=environment, check=True, capture_output=True)
    return done.stdout


def snapshot(folder: Path) -> dict[str, object]:
    """Return everything below a folder: contents or targets, modes and times of change."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (content, stat.filemode(status.st_mode), status.st_mtime_ns)
    return found


def modes_bind(folder: Path) -> bool:
    """Say whether this process is held by the modes of files; root mostly is not."""
    file = folder / "closed"
    file.touch()
    file.chmod(0)
    return not os.access(file, os.R_OK)
