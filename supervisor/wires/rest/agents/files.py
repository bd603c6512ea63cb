"""What was done to a file, as the monitor of agents shows it: by Claude Code, or by a program itself."""

from __future__ import annotations

import os
from collections.abc import Sequence

from supervisor.protocol.times import rfc3339
from supervisor.protocol.values.record import record
from supervisor.store.ports.changes import StoredOperation
from supervisor.store.records.agents import AgentOperation

TYPES = {"added": "create", "deleted": "delete"}
"""The type of an operation by its status; every other status is "modify"."""


@record
class FileChange:
    """A change to a file. `type` is "create", "modify" or "delete".

    `message_id` names the message to Claude Code whose turn did it; null = a program did it itself.
    """

    id: str
    type: str
    filepath: str
    timestamp: str
    rolled_back: bool
    before_hash: str | None
    after_hash: str | None
    before_size: int | None
    after_size: int | None
    message_id: str | None


def newest(by_claude: Sequence[StoredOperation], by_programs: Sequence[AgentOperation]) -> list[FileChange]:
    """Return operations of both kinds, newest first."""
    both = [(one.at_ms, done(one)) for one in by_claude] + [(other.at_ms, reported(other)) for other in by_programs]
    return [change for _, change in sorted(both, key=lambda pair: pair[0], reverse=True)]


def done(operation: StoredOperation) -> FileChange:
    """Return what Claude Code did."""
    return FileChange(
        id=str(operation.id),
        type=TYPES.get(operation.status, "modify"),
        filepath=os.path.join(operation.project_path, operation.path),
        timestamp=rfc3339(operation.at_ms),
        rolled_back=operation.undone,
        before_hash=operation.before_hash,
        after_hash=operation.after_hash,
        before_size=None,
        after_size=None,
        message_id=operation.message_id,
    )


def reported(operation: AgentOperation) -> FileChange:
    """Return what a program did itself."""
    return FileChange(
        id=operation.id,
        type=operation.kind,
        filepath=operation.path,
        timestamp=rfc3339(operation.at_ms),
        rolled_back=operation.rolled_back,
        before_hash=operation.before_hash,
        after_hash=operation.after_hash,
        before_size=operation.before_size,
        after_size=operation.after_size,
        message_id=None,
    )
