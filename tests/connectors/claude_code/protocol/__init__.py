"""Tests of what Claude Code's lines mean."""

from __future__ import annotations
