"""Text messages, over the real webhook."""

from __future__ import annotations
