"""The real Claude Code, driven over its stream-json frames."""

from __future__ import annotations
