"""What leads from one recorded state to another, path by path."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.undo.checkpoints.git import Git


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a symbolic link, as git names its mode and its content."""

    mode: str
    blob: str

    @property
    def is_file(self) -> bool:
        """Return whether it is a file, to be run or not."""
        return self.mode.startswith("100")


@dataclass(frozen=True, slots=True)
class Step:
    """A path that differs; None where there is nothing at it."""

    path: bytes
    old: Entry | None
    new: Entry | None


def steps(git: Git, old: str, new: str) -> list[Step]:
    """Return the paths that differ between two commits or trees, in git's order."""
    listed = git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new)
    fields = listed.split(b"\0")
    found = []
    for head, path in zip(fields[0::2], fields[1::2], strict=False):
        old_mode, new_mode, old_blob, new_blob, _ = head.decode().removeprefix(":").split()
        found.append(Step(path, _entry(old_mode, old_blob), _entry(new_mode, new_blob)))
    return found


def into_index(git: Git, wanted: dict[bytes, Entry | None]) -> str:
    """Put entries into the index, None takes one away, and return the tree of it."""
    gone = Entry("0", "0" * 40)
    lines = [f"{(entry or gone).mode} {(entry or gone).blob}\t".encode() + path for path, entry in wanted.items()]
    # What goes first: a file may lie where a folder was.
    lines.sort(key=lambda line: not line.startswith(b"0 "))
    git.run("update-index", "-z", "--index-info", given=b"".join(line + b"\0" for line in lines))
    return git.run("write-tree").decode().strip()


def _entry(mode: str, blob: str) -> Entry | None:
    return Entry(mode, blob) if mode.strip("0") else None
