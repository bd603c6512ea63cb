"""The real git, run by argument list in an environment that is built from nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from supervisor.protocol.errors import XswarmError

SECONDS = 120.0
"""Limit of one run; the first recording of a large project is the longest."""

COLLECT_SECONDS = 600.0
"""Limit of one `git gc`."""

EMPTY_INDEX = "no-index"
"""Name of an index file that never exists: nothing is tracked."""

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
\tfsync = committed
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
"""Bytes are kept as they are, and nothing of the project or the machine is run.

`fsync`: an object that a power failure left empty would spoil every later recording of the same content."""

ATTRIBUTES = "* -text -filter -ident -working-tree-encoding !merge !diff\n"
"""Stronger than every .gitattributes of the project."""


class CheckpointFailed(XswarmError):
    """The state of a project could not be recorded, compared or brought back."""

    code = "storage"

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        return f"Checkpoint failed: {self.why}"


class GitFailed(CheckpointFailed):
    """git ran and refused.

    Attributes:
        status: its exit status.
    """

    def __init__(self, command: str, status: int, said: str) -> None:
        super().__init__(f"git {command}: {said or f'exit status {status}'}", "see the log; the next turn tries again")
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """Where git works.

    Attributes:
        git_dir: our repository; its index lies in it.
        work_tree: the folder that it looks at; absolute, symlinks resolved.
        index: name of the index file in `git_dir`.
        search_path: where git is looked for, as PATH; None = where this process looks.
        seconds: limit of one run.
    """

    git_dir: Path
    work_tree: Path
    index: str = "index"
    search_path: str | None = None
    seconds: float = SECONDS

    def at(self, folder: bytes) -> Git:
        """Return the same for a folder below the work tree, with nothing tracked."""
        return replace(self, work_tree=self.work_tree / os.fsdecode(folder), index=EMPTY_INDEX)

    def prepare(self) -> None:
        """Make the repository if there is none, and write its settings."""
        if not (self.git_dir / "HEAD").is_file():
            self.git_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.run("init", "--quiet", "--template=", "--initial-branch=none")
        (self.git_dir / "info").mkdir(exist_ok=True)
        write_if_other(self.git_dir / "config", CONFIG.encode())
        write_if_other(self.git_dir / "info" / "attributes", ATTRIBUTES.encode())
        # One process at a time works here, under a lock of ours: what lies here is of one that was killed.
        (self.git_dir / f"{self.index}.lock").unlink(missing_ok=True)

    def run(
        self, *arguments: str, given: bytes = b"", accepted: Sequence[int] = (0,), seconds: float | None = None
    ) -> bytes:
        """Return what git writes to stdout.

        Args:
            given: what it reads from stdin.
            accepted: exit statuses that are no failure.
            seconds: its time limit; None = that of every run.

        Raises:
            CheckpointFailed: no git, no project, time over.
            GitFailed: another exit status.
        """
        return self._both(arguments, given, accepted, seconds)[0]

    def run_and_listen(self, *arguments: str) -> tuple[bytes, bytes]:
        """Return what git writes to stdout, and what it says beside it: warnings, in English.

        Raises:
            CheckpointFailed: as `run`.
        """
        return self._both(arguments)

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
                raise CheckpointFailed(f"git {arguments[0]} took longer than {limit:g} s", remedy) from None
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
            # Whoever may write around the project could have us write anywhere.
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
    """Write a file unless it holds exactly this."""
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    path.write_bytes(content)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and what it started."""
    os.killpg(process.pid, signal.SIGKILL)  # not yet waited for: the id is still its own
    process.communicate()
