"""First steps, start and end of the daemon, and what operators ask it."""

from __future__ import annotations
