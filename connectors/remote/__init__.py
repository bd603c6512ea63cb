"""Claude Code on another machine, reached by WebSocket (protocol.md section 5); see `plugin.PLUGIN`."""

from __future__ import annotations
