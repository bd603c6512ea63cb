"""Tests of supervisor.turns.lanes."""

from __future__ import annotations
