"""Messages that are pushed when a person is asked about a tool call, and has answered (docs/protocol.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from supervisor.protocol.wire.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested(Event):
    """Pushed: a tool call waits for a person. Those that are open are pushed after the answer to `subscribe`, too.

    `call` is the whole call, `diff` what it changes in files.
    `characters` is the length of the call. If `truncated`, they are cut: at 256 and 128 KiB.
    """

    approval_id: str
    session_id: str
    user_id: str
    tool: str
    summary: str
    expires_at: str
    code: str = ""
    call: str = ""
    diff: str = ""
    characters: int = 0
    truncated: bool = False
    type: Literal["approval_requested"] = "approval_requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalResolved(Event):
    """An approval was decided."""

    approval_id: str
    decision: Literal["allow", "deny"]
    type: Literal["approval_resolved"] = "approval_resolved"
