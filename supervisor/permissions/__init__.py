"""What a tool call may do: pure functions, no I/O but to look where a path leads."""

from __future__ import annotations
