"""Tests of supervisor.turns.running."""

from __future__ import annotations
