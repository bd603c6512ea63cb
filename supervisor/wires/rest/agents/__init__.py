"""REST: what programs report about the agents that they run, and the monitor of it."""

from __future__ import annotations
