"""The WebSocket protocol on port 9999."""

from __future__ import annotations
