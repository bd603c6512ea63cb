"""Tests of supervisor.turns.elsewhere."""

from __future__ import annotations
