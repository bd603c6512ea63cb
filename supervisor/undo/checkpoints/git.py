"""Runs git with an argument list, no shell, and an environment of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from supervisor.protocol.errors import XswarmError
from supervisor.protocol.values.record import record
from supervisor.runtime.umask import OF_PROJECTS

SECONDS = 120.0
"""Time limit of one run, in seconds. The first recording of a large project takes longest."""

COLLECT_SECONDS = 600.0
"""Time limit of one `git gc`, in seconds."""

EMPTY_INDEX = "no-index"
"""Name of an index file that never exists: with it nothing is tracked."""

CONFIG = """\
[core]
\trepositoryformatversion = 0
\tbare = false
\tfileMode = true
\tsymlinks = true
\tignoreCase = false
\tautocrlf = false
\tsafecrlf = false
\tprotectNTFS = false
\tlogAllRefUpdates = false
\thooksPath = /dev/null
\tattributesFile = /dev/null
\texcludesFile = /dev/null
\tfsmonitor = false
\tfsync = committed,reference
\tfsyncMethod = batch
\tquotePath = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[merge]
\trenames = false
\tdirectoryRenames = false
[commit]
\tgpgSign = false
"""
"""git stores bytes unchanged, and runs no program of the project or the machine.

`fsync`: if a power cut left an object empty, every later recording of the same content would be broken."""

HEAD = "ref: refs/heads/none\n"
"""HEAD names a branch that never exists. Without a HEAD git takes the folder for no repository."""

ATTRIBUTES = "* -text -filter -ident -working-tree-encoding !merge !diff\n"
"""Overrides every .gitattributes of the project."""


class CheckpointFailed(XswarmError):
    """The state of a project could not be recorded, compared or restored."""

    code = "storage"

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return f"Checkpoint failed: {self.why}"


class TooSlow(CheckpointFailed):
    """git took longer than its time limit."""


class GitFailed(CheckpointFailed):
    """git ended with an error.

    Attributes:
        status: its exit status.
    """

    def __init__(self, command: str, status: int, said: str) -> None:
        super().__init__(f"git {command}: {said or f'exit status {status}'}", "see the log; the next turn tries again")
        self.status = status


@record
class Git:
    """git for one shadow repository and one folder.

    Attributes:
        git_dir: the shadow repository.
        work_tree: the folder of the project; absolute, symbolic links resolved.
        index: name of the index file in `git_dir`.
        search_path: where the git program is searched, like PATH; None = PATH of this process.
        seconds: time limit of one run, in seconds.
    """

    git_dir: Path
    work_tree: Path
    index: str = "index"
    search_path: str | None = None
    seconds: float = SECONDS

    def at(self, folder: bytes) -> Git:
        """Return a Git whose work tree is a folder below this one, and that tracks nothing."""
        return replace(self, work_tree=self.work_tree / os.fsdecode(folder), index=EMPTY_INDEX)

    def prepare(self) -> None:
        """Create the repository where there is none, repair what a power cut left of it, and write its settings."""
        self.git_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in ("objects", "refs", "info"):
            (self.git_dir / folder).mkdir(exist_ok=True)
        write_if_other(self.git_dir / "HEAD", HEAD.encode())
        write_if_other(self.git_dir / "config", CONFIG.encode())
        write_if_other(self.git_dir / "info" / "attributes", ATTRIBUTES.encode())
        # Only one git runs here at a time, under the lock of ShadowRepository: a killed git has left this file.
        (self.git_dir / f"{self.index}.lock").unlink(missing_ok=True)

    def run(
        self, *arguments: str, given: bytes = b"", accepted: Sequence[int] = (0,), seconds: float | None = None
    ) -> bytes:
        """Return what git writes to stdout.

        Args:
            given: the content of stdin.
            accepted: exit statuses that mean success.
            seconds: time limit; None = `self.seconds`.

        Raises:
            CheckpointFailed: git is not installed, the folder is missing, or the time limit is over.
            GitFailed: git ended with another exit status.
        """
        return self._both(arguments, given, accepted, seconds)[0]

    def run_and_listen(self, *arguments: str, seconds: float | None = None) -> tuple[bytes, bytes]:
        """Return what git writes to stdout and to stderr; its warnings are in English.

        Args:
            seconds: time limit; None = `self.seconds`.

        Raises:
            TooSlow: the time limit is over.
            CheckpointFailed: as `run`.
        """
        return self._both(arguments, seconds=seconds)

    def _both(
        self, arguments: Sequence[str], given: bytes = b"", accepted: Sequence[int] = (0,), seconds: float | None = None
    ) -> tuple[bytes, bytes]:
        limit = self.seconds if seconds is None else seconds
        with self._start(arguments) as process:
            try:
                out, err = process.communicate(given, timeout=limit)
            except subprocess.TimeoutExpired:
                _end(process)
                remedy = "leave large or many files out by .gitignore"
                raise TooSlow(f"git {arguments[0]} took longer than {limit:g} s", remedy) from None
        if process.returncode not in accepted:
            raise GitFailed(arguments[0], process.returncode, err.decode(errors="replace").strip()[-500:])
        return out, err

    def read(self, *arguments: str, limit: int) -> tuple[bytes, bool]:
        """Return at most `limit` bytes of what git writes, and whether there was more."""
        with self._start(arguments) as process:
            assert process.stdout is not None, "a pipe"
            out = process.stdout.read(limit + 1)
            if len(out) > limit:
                _end(process)
                return out[:limit], True
            err = process.communicate(b"", timeout=self.seconds)[1]
        if process.returncode:
            raise GitFailed(arguments[0], process.returncode, err.decode(errors="replace").strip()[-500:])
        return out, False

    def _start(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        if not self.work_tree.is_dir():
            raise CheckpointFailed(f"{self.work_tree} is gone", "bring the folder back, or take it out of config.toml")
        if os.path.realpath(self.work_tree) != str(self.work_tree):
            # A link in place of the folder could make us write anywhere.
            remedy = "put the folder back where it was, or name its real path in config.toml"
            raise CheckpointFailed(f"{self.work_tree} is not the folder that it was: a link leads elsewhere", remedy)
        try:
            return subprocess.Popen(
                ["git", *arguments],
                cwd=self.work_tree,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                umask=OF_PROJECTS,  # it writes files of the project; those of its own are in a private folder
            )
        except FileNotFoundError:
            remedy = "install git 2.38 or newer where the daemon finds it"
            raise CheckpointFailed("there is no git on PATH", remedy) from None
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise CheckpointFailed(f"git did not start: {why}", "check the rights of the project's folder") from error

    def _environment(self) -> dict[str, str]:
        search_path = os.environ.get("PATH", os.defpath) if self.search_path is None else self.search_path
        return {
            "PATH": search_path,
            "LC_ALL": "C",
            "HOME": "/nonexistent",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_DIR": str(self.git_dir),
            "GIT_WORK_TREE": str(self.work_tree),
            "GIT_INDEX_FILE": str(self.git_dir / self.index),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "xswarm",
            "GIT_AUTHOR_EMAIL": "xswarm@localhost",
            "GIT_COMMITTER_NAME": "xswarm",
            "GIT_COMMITTER_EMAIL": "xswarm@localhost",
        }


def write_if_other(path: Path, content: bytes) -> None:
    """Write a file unless it has this content already. A power cut leaves the old content or the new one."""
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill git and its child processes."""
    os.killpg(process.pid, signal.SIGKILL)  # the process is not reaped yet, so its id cannot belong to another one
    process.communicate()
