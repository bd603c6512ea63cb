"""The way of Claude Code sessions to the tool servers: through the daemon, with a token of their own."""

from __future__ import annotations
