"""Environment variables by which the processes of agents are known."""

from __future__ import annotations

STATE_MARK = "XSWARM_STATE"
"""Says which daemon's state a process belongs to."""

PROCESS_MARK = "XSWARM_PROCESS"
"""Holds an id of one start of Claude Code; its tools inherit it."""
