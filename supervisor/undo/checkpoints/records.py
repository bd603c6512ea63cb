"""What a shadow repository tells: a recorded state, a difference between two, and what an undo did."""

from __future__ import annotations

from supervisor.protocol.values.record import record
from supervisor.undo.checkpoints.worktree import LeftOut


@record
class Checkpoint:
    """A recorded state.

    Attributes:
        commit: its id, 40 hexadecimal digits.
        left_out: files that it does not contain although no .gitignore names them.
        refused_rules: rules of .gitignore files that were not applied, as they take git too long.
        first: the repository was damaged and was begun anew with this state; all earlier states are lost.
    """

    commit: str
    left_out: tuple[LeftOut, ...] = ()
    refused_rules: tuple[str, ...] = ()
    first: bool = False


@record
class Change:
    """One path that differs between two checkpoints.

    Attributes:
        path: relative to the project, decoded by `os.fsdecode`.
        status: A(dded), D(eleted), M(odified) or T (another type: file, symbolic link).
        before_blob, after_blob: ids of the contents; None where there is no such file.
    """

    path: str
    status: str
    before_blob: str | None
    after_blob: str | None


@record
class Reverted:
    """The result of an undo, or with dry_run of what it would do.

    Attributes:
        paths: the changed paths; empty where there was nothing to take back.
        before, after: checkpoints around the undo: `revert(before, after)` takes the undo back. With dry_run `after` is
            None; where nothing changed it equals `before`.
    """

    paths: tuple[str, ...]
    before: str
    after: str | None
