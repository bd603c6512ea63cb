"""Tests of supervisor/wires/rest/agents."""

from __future__ import annotations
