"""Verdicts on calls that a test writes in one line."""

from __future__ import annotations

from typing import Any

from supervisor.permissions.policy import decide
from supervisor.protocol.conversation import ToolCall, Verdict
from supervisor.protocol.status import Permissions

FULL, EDIT, ASK = Permissions.FULL, Permissions.EDIT, Permissions.ASK


def ask(
    name: str,
    tool_input: dict[str, Any],
    level: Permissions,
    project: str,
    agent_id: str | None = None,
    folder: str = "",
) -> Verdict:
    """Return the verdict on a call."""
    call = ToolCall(tool_use_id="toolu_1", name=name, input=tool_input, agent_id=agent_id, folder=folder)
    return decide(call, level, project)
