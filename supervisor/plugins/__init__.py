"""Loading channels and connectors, and what they get from the core."""

from __future__ import annotations
