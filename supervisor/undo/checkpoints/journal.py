"""The journal of a shadow repository: which undo has begun to write files.

It holds one entry at most. The entry is on disk before the first file of the project is written, so that an undo which
a crash interrupts can be rolled back. The next recording of a turn removes it: the user goes on from what is there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import asdict

from supervisor.protocol.values.record import record
from supervisor.undo.checkpoints.git import Git

JOURNAL = "unfinished.json"
"""The file name of the journal in the shadow repository."""


@record
class JournalEntry:
    """An undo that has begun to write, and that may not have ended or not have been recorded by its caller.

    Attributes:
        before, after: the checkpoints whose difference it takes back.
        current: the checkpoint of the folder when it began.
        target: the checkpoint of the folder when it ends.
    """

    before: str
    after: str
    current: str
    target: str

    @property
    def commits(self) -> Collection[str]:
        """The checkpoints that must not be pruned."""
        return (self.before, self.after, self.current, self.target)


def write_entry(git: Git, entry: JournalEntry) -> None:
    """Write the entry so that it survives a power failure.

    Raises:
        OSError: it could not be written.
    """
    with (git.git_dir / JOURNAL).open("w", encoding="utf-8") as file:
        json.dump(asdict(entry), file)
        file.flush()
        os.fsync(file.fileno())


def read_entry(git: Git) -> JournalEntry | None:
    """Return the entry; None = there is none, or a power failure has left it unreadable."""
    try:
        return JournalEntry(**json.loads((git.git_dir / JOURNAL).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def remove_entry(git: Git) -> None:
    """Remove the entry: nothing is to be rolled back any more."""
    (git.git_dir / JOURNAL).unlink(missing_ok=True)
