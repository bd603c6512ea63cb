"""Tests of supervisor/operations/agents."""

from __future__ import annotations
