"""The entries of a recorded state, and which of them differ between two states."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.undo.checkpoints.git import Git


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a symbolic link.

    Attributes:
        mode: as git writes it: "100644", "100755" or "120000".
        blob: id of its content.
    """

    mode: str
    blob: str

    @property
    def is_file(self) -> bool:
        """Return whether it is a file, executable or not."""
        return self.mode.startswith("100")


@dataclass(frozen=True, slots=True)
class EntryChange:
    """One step from a state to another: what was at a path, and what is there now.

    Attributes:
        old, new: None = the path does not exist in that state.
    """

    path: bytes
    old: Entry | None
    new: Entry | None


def entry_changes(git: Git, old: str, new: str) -> list[EntryChange]:
    """Return the paths that differ between two states, in git's order.

    Args:
        old, new: commits or trees.
    """
    listed = git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new)
    fields = listed.split(b"\0")
    found = []
    for head, path in zip(fields[0::2], fields[1::2], strict=False):
        old_mode, new_mode, old_blob, new_blob, _ = head.decode().removeprefix(":").split()
        found.append(EntryChange(path, _entry(old_mode, old_blob), _entry(new_mode, new_blob)))
    return found


def update_index(git: Git, entries: dict[bytes, Entry | None]) -> str:
    """Write entries to the index and return its tree; None removes the entry of a path."""
    removed = Entry("0", "0" * 40)
    lines = [
        f"{(entry or removed).mode} {(entry or removed).blob}\t".encode() + path for path, entry in entries.items()
    ]
    # Removals first: a new file may lie where a folder was.
    lines.sort(key=lambda line: not line.startswith(b"0 "))
    git.run("update-index", "-z", "--index-info", given=b"".join(line + b"\0" for line in lines))
    return git.run("write-tree").decode().strip()


def _entry(mode: str, blob: str) -> Entry | None:
    return Entry(mode, blob) if mode.strip("0") else None
