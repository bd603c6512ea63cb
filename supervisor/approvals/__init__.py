"""Questions to people about a tool call."""

from __future__ import annotations
