"""What a turn changed in the folder of its project."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.protocol.values.record import record


@record
class FileOperation:
    """A tool call that edited a file, or a path that differs between the folder before and after a turn.

    Attributes:
        tool_use_id: the id of the call; empty for a difference.
        path: relative to the project's folder.
        tool: the tool that named the path last; "Bash" if none did.
        status: "added", "modified" or "deleted"; of a call also "unchanged".
        before_hash, after_hash: of a call the SHA-256 of the file, of a difference the id of a git blob; None = there
            is no such file, or it is too large.
    """

    path: str
    tool: str
    status: str
    before_hash: str | None
    after_hash: str | None
    tool_use_id: str = ""


@record
class Recorded:
    """The folder as a turn left it; T3 writes it.

    Attributes:
        after_commit: the checkpoint after the turn; empty = the folder could not be recorded.
        why: a sentence in that case; else empty.
        seen_ms: when the folder was recorded, which is later than the turn's end; 0 = it was not recorded.
        operations: what the turn did to files.
        notes: sentences for the person about the recording; not stored here.
    """

    after_commit: str = ""
    why: str = ""
    seen_ms: int = 0
    operations: Sequence[FileOperation] = ()
    notes: Sequence[str] = ()
