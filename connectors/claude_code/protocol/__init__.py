"""The lines that Claude Code reads and writes, and what they mean; the session calls `turns.TurnReader`. No I/O."""

from __future__ import annotations
