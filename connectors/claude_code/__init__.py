"""The real Claude Code, one process per session, driven by stream-json frames; see `plugin.PLUGIN`."""

from __future__ import annotations
