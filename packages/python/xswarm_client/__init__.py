"""A client of xswarm: ask Claude Code from a program, plain (`Client`) or asynchronous (`AsyncClient`).

`claude_execute` and its relatives are functions for programs that orchestrate agents, such as those of AutoGen.
"""

from __future__ import annotations

from xswarm_client.blocking import Client, Session
from xswarm_client.claude import (
    CLAUDE_EXECUTE_SCHEMA,
    call_claude_code,
    claude_execute,
    claude_execute_simple,
    claude_execute_wrapper,
    disconnect,
    monitored_claude_execute,
)
from xswarm_client.client import AsyncClient
from xswarm_client.errors import (
    ConnectionLost,
    NotAuthenticated,
    NotConfigured,
    NotXswarm,
    TimedOut,
    Unreachable,
    XswarmError,
)
from xswarm_client.events import (
    Answer,
    Cost,
    CostRow,
    Event,
    HistoryMessage,
    Question,
    Queued,
    Reconnected,
    SessionStatus,
    Text,
    Tool,
)
from xswarm_client.files import FileOperationLogger
from xswarm_client.monitor import (
    Monitor,
    end_conversation,
    log_agent_message,
    start_conversation,
    update_agent_status,
)
from xswarm_client.session import Session as AsyncSession
from xswarm_client.settings import Settings, settings

__all__ = [
    "CLAUDE_EXECUTE_SCHEMA",
    "Answer",
    "AsyncClient",
    "AsyncSession",
    "Client",
    "ConnectionLost",
    "Cost",
    "CostRow",
    "Event",
    "FileOperationLogger",
    "HistoryMessage",
    "Monitor",
    "NotAuthenticated",
    "NotConfigured",
    "NotXswarm",
    "Question",
    "Queued",
    "Reconnected",
    "Session",
    "SessionStatus",
    "Settings",
    "Text",
    "TimedOut",
    "Tool",
    "Unreachable",
    "XswarmError",
    "call_claude_code",
    "claude_execute",
    "claude_execute_simple",
    "claude_execute_wrapper",
    "disconnect",
    "end_conversation",
    "log_agent_message",
    "monitored_claude_execute",
    "settings",
    "start_conversation",
    "update_agent_status",
]
