"""A Claude Code on another machine, reached by WebSocket (protocol.md section 5)."""

from __future__ import annotations
