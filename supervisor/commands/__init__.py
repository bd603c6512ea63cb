"""Command words that people write."""

from __future__ import annotations
