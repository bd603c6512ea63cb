"""Files that a session of Claude Code gets."""

from __future__ import annotations
