"""Questions to people, and their answers."""

from __future__ import annotations
