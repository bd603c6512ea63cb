"""What a turn changed in the folder of its project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOperation:
    """A call that edited a file, or a path that a turn left other than it found it.

    Attributes:
        tool_use_id: of the call; empty for what the folders before and after the turn differ in.
        path: relative to the project's folder.
        tool: that named the path last; "Bash" where none did.
        status: "added", "modified" or "deleted"; of a call also "unchanged".
        before_hash, after_hash: of a call the SHA-256 of the file, else ids of git blobs; None where there is no such
            file, or it is too large.
    """

    path: str
    tool: str
    status: str
    before_hash: str | None
    after_hash: str | None
    tool_use_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The folder as a turn left it, for T3.

    Attributes:
        after_commit: empty where it could not be recorded.
        why: a sentence in that case.
        seen_ms: when it had been recorded, which takes its time after the turn's end; 0 = it was not.
    """

    after_commit: str = ""
    why: str = ""
    seen_ms: int = 0
    operations: Sequence[FileOperation] = ()
