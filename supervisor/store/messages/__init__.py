"""SQL of messages, turns, sessions and replies."""

from __future__ import annotations
