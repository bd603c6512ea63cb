"""Tests of connectors/claude_code/files."""

from __future__ import annotations
