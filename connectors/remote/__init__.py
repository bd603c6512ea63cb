"""Claude Code on another machine, reached by WebSocket (docs/protocol.md); see `plugin.PLUGIN`."""

from __future__ import annotations
